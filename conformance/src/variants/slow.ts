import { setTimeout } from "node:timers/promises";
import type { DriverHints, HintListener, TaskDriver } from "@mcp-task-store/core";
import { type Random, randomFrom } from "../random.ts";
import { defineVariant, type Variant } from "./variant.ts";

/** A driver far away from its backend. */
function farAway(driver: TaskDriver, random: Random, longestMs: number): TaskDriver {
  const way = (): Promise<unknown> => setTimeout(random.integer(longestMs + 1));
  const slowly = async <T>(call: () => Promise<T>): Promise<T> => {
    await way();
    const answer = await call();
    await way();
    return answer;
  };
  const { messages, hints } = driver;
  return {
    ...driver,
    // What loses hints does not claim to have them.
    capabilities: { ...driver.capabilities, pushHints: false },
    insert: (insert, options) => slowly(() => driver.insert(insert, options)),
    read: (taskIds, options) => slowly(() => driver.read(taskIds, options)),
    write: (write, options) => slowly(() => driver.write(write, options)),
    remove: (remove, options) => slowly(() => driver.remove(remove, options)),
    page: (query, options) => slowly(() => driver.page(query, options)),
    due: (limit, holdMs, options) => slowly(() => driver.due(limit, holdMs, options)),
    ...(messages === undefined
      ? {}
      : {
          messages: {
            push: (push, options) => slowly(() => messages.push(push, options)),
            take: (take, options) => slowly(() => messages.take(take, options)),
          },
        }),
    ...(hints === undefined ? {} : { hints: unreliable(hints, random, longestMs) }),
  };
}

/** Of ten hints one is lost, one comes twice and one comes late, behind others. */
function unreliable(hints: DriverHints, random: Random, longestMs: number): DriverHints {
  return {
    publish: (taskIds) => hints.publish(taskIds),
    subscribe: (listener) => {
      const wrong: HintListener = {
        onGap: () => listener.onGap(),
        onHint(taskIds) {
          const fate = random.integer(10);
          if (fate === 0) return;
          const late = fate === 1 ? random.integer(longestMs) : 0;
          void setTimeout(late).then(() => listener.onHint(taskIds));
          if (fate === 2) listener.onHint(taskIds);
        },
      };
      return hints.subscribe(wrong);
    },
  };
}

/** Hints for nothing: of tasks that nobody changed, and of gaps that were none. */
function noisy(driver: TaskDriver, random: Random): TaskDriver {
  const { hints } = driver;
  if (hints === undefined) return driver;
  return {
    ...driver,
    hints: {
      publish: async (taskIds) => {
        await hints.publish([...taskIds, ...taskIds, "a task that nobody knows"]);
        if (random.integer(2) === 0) await hints.publish(taskIds);
      },
      subscribe: (listener) =>
        hints.subscribe({
          onGap: () => listener.onGap(),
          onHint(taskIds) {
            listener.onHint(taskIds);
            if (random.integer(4) === 0) listener.onGap();
          },
        }),
    },
  };
}

/** Asks for the time with each write, and does not wait for the answer: what else is on the wire is its own business. */
function talkative(driver: TaskDriver, random: Random): TaskDriver {
  return {
    ...driver,
    async write(write, options) {
      driver.read([]).catch(() => undefined);
      await setTimeout(random.integer(4));
      return await driver.write(write, options);
    },
  };
}

/** @param longestMs of either way */
export function slowVariant(longestMs: number): Variant {
  const freedom = `Calls take up to ${longestMs} ms on either way; of ten hints one is lost, one comes late, one twice.`;
  return defineVariant("slow", freedom, (seed) => {
    const random = randomFrom(seed);
    return { driver: (driver) => farAway(driver, random, longestMs) };
  });
}

export const slow: readonly Variant[] = [
  slowVariant(50),
  defineVariant("surplus-hints", "Hints come several times, for tasks that did not change, and as gaps.", (seed) => {
    const random = randomFrom(seed);
    return { driver: (driver) => noisy(driver, random) };
  }),
  defineVariant("talkative", "It asks its backend for more than calls need, a little before each write.", (seed) => {
    const random = randomFrom(seed);
    return { driver: (driver) => talkative(driver, random) };
  }),
];
