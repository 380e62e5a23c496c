import { TaskStoreError } from "@mcp-task-store/core";
import type { DriverCallOptions, DriverHints, HintListener, TaskDriver } from "@mcp-task-store/core";
import type { Scheduler } from "./scheduler.ts";

/** How far a scheduled call has come. */
type Stage = "before-go" | "between" | "before-back" | "settled";

/**
 * The same driver, every call of which waits twice for the scheduler: before it reaches the backend (go), and before
 * its answer reaches the caller (back). So the order of releases is the order of commits, and a call can be held, fail
 * or lose its answer at either point. `setup`, `close` and `publish` pass; hints that arrive are events as well.
 *
 * The caller's `signal` is served here: a read, or a write whose answer is held, is given up; a write held before its go
 * stays on its way like a packet in a slow network, and may still land.
 * @param handle how schedules write this handle; by default the next letter
 */
export function scheduled(
  driver: TaskDriver,
  scheduler: Scheduler,
  handle: string = scheduler.nextHandleName(),
): TaskDriver {
  async function twoEvents<T>(
    writes: boolean,
    options: DriverCallOptions | undefined,
    run: () => Promise<T>,
  ): Promise<T> {
    if (!scheduler.active) return await run();
    return await new Promise<T>((resolve, reject) => {
      let stage: Stage = "before-go";
      let unpark = (): void => {};
      const settle = (end: () => void): void => {
        stage = "settled";
        options?.signal?.removeEventListener("abort", onAbort);
        end();
      };
      const fail = (error: TaskStoreError): void => settle(() => reject(error));
      const go = async (): Promise<void> => {
        const abandoned = stage === "settled";
        if (!abandoned) stage = "between";
        const [answer] = await Promise.allSettled([run()]);
        if (stage === "settled") return;
        stage = "before-back";
        const back = (): void =>
          settle(() => (answer.status === "fulfilled" ? resolve(answer.value) : reject(asError(answer.reason))));
        unpark = scheduler.park({
          name: `${handle}.back`,
          release: back,
          faults: { lost: () => fail(lost(writes)), never: () => {} },
        });
      };
      const abandon = (): void => {
        fail(lost(true));
        scheduler.park({ name: `${handle}.go`, release: go, abandoned: true });
      };
      const onAbort = (): void => {
        if (stage === "before-go" && writes) {
          unpark();
          abandon();
          return;
        }
        unpark();
        fail(lost(writes));
      };
      unpark = scheduler.park({
        name: `${handle}.go`,
        release: go,
        faults: { unavailable: () => fail(unavailable()), ...(writes ? { late: abandon } : {}) },
      });
      options?.signal?.addEventListener("abort", onAbort, { once: true });
      if (options?.signal?.aborted === true) {
        unpark();
        fail(unavailable());
      }
    });
  }

  const { hints, messages } = driver;
  return {
    name: driver.name,
    capabilities: driver.capabilities,
    setup: (options) => driver.setup(options),
    insert: (insert, options) => twoEvents(true, options, () => driver.insert(insert)),
    read: (taskIds, options) => {
      const { signal: _signal, ...what } = options ?? {};
      return twoEvents(false, options, () => driver.read(taskIds, what));
    },
    write: (write, options) => twoEvents(true, options, () => driver.write(write)),
    remove: (remove, options) => twoEvents(true, options, () => driver.remove(remove)),
    page: (query, options) => twoEvents(false, options, () => driver.page(query)),
    // Its lost answer is no ambiguous write: what was purged had expired, and what was held comes up again.
    due: (limit, holdMs, options) => twoEvents(false, options, () => driver.due(limit, holdMs)),
    close: () => driver.close(),
    ...(hints === undefined
      ? {}
      : { hints: scheduledHints(hints, scheduler, handle, (run) => twoEvents(false, undefined, run)) }),
    ...(messages === undefined
      ? {}
      : {
          messages: {
            push: (push, options) => twoEvents(true, options, () => messages.push(push)),
            take: (take, options) => twoEvents(true, options, () => messages.take(take)),
          },
        }),
  };
}

function scheduledHints(
  hints: DriverHints,
  scheduler: Scheduler,
  handle: string,
  twoEvents: (run: () => Promise<() => Promise<void>>) => Promise<() => Promise<void>>,
): DriverHints {
  const held = (listener: HintListener): HintListener => ({
    onHint(taskIds) {
      if (scheduler.hints === "drop") return;
      if (!scheduler.active || scheduler.hints === "pass") {
        listener.onHint(taskIds);
        return;
      }
      const deliver = (): void => listener.onHint(taskIds);
      scheduler.park({
        name: `${handle}.hint`,
        release: deliver,
        faults: {
          drop: () => {},
          double: () => {
            deliver();
            deliver();
          },
          gap: () => listener.onGap(),
        },
      });
    },
    onGap: () => listener.onGap(),
  });
  return {
    publish: (taskIds) => hints.publish(taskIds),
    subscribe: (listener) => twoEvents(() => hints.subscribe(held(listener))),
  };
}

function unavailable(): TaskStoreError {
  return new TaskStoreError("STORE_UNAVAILABLE", "The scheduler refused the connection.");
}

function lost(writes: boolean): TaskStoreError {
  return writes
    ? new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "The scheduler lost the answer.")
    : new TaskStoreError("STORE_UNAVAILABLE", "The scheduler lost the answer.");
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("The driver rejected without an Error.", { cause: reason });
}
