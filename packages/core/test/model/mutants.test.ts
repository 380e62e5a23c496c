import * as fc from "fast-check";
import { expect, it } from "vitest";
import { delegate } from "../../../../conformance/src/driver-model/delegate.ts";
import { FAULTY_DRIVERS } from "../../../../conformance/src/driver-model/faulty-drivers.ts";
import { createMemoryBackend, createMemoryDriver } from "../../../memory/src/index.ts";
import type { TaskDriver } from "../../src/index.ts";
import { callSequences } from "./calls.ts";
import { ModelPlay } from "./model-play.ts";

const FAULTS: Readonly<Record<string, (driver: TaskDriver) => TaskDriver>> = {
  ...Object.fromEntries(
    [
      "guard-open-skipped",
      "guard-lease-skipped",
      "guard-attemptsBelow-skipped",
      "guard-scope-skipped",
      "grace-dropped",
      "change-claimInMs-skipped",
      "quiet-is-loud",
      "second-alternative",
      "remove-any-scope",
      "page-any-scope",
      "filter-after-limit",
      "due-forgets-purged",
    ].map((name) => [name, FAULTY_DRIVERS[name] ?? never(name)]),
  ),
  /** Shows what a read finds to whoever asks. */
  "answers-from-the-past": (driver) => {
    const known = new Map<string, Awaited<ReturnType<TaskDriver["read"]>>>();
    return {
      ...delegate(driver),
      async read(taskIds, options) {
        const key = JSON.stringify([taskIds, options?.outcome]);
        const answer = await driver.read(taskIds, options);
        const before = known.get(key);
        known.set(key, answer);
        return before === undefined || before.rows.length !== answer.rows.length
          ? answer
          : { ...before, nowUs: answer.nowUs };
      },
    };
  },
};

function never(name: string): never {
  throw new Error(`no fault ${name}`);
}

it.each(Object.entries(FAULTS))("the model catches %s", async (_name, fault) => {
  const property = fc.asyncProperty(callSequences, async (calls) => {
    const backend = createMemoryBackend({ clock: () => 1_700_000_000_000 });
    const open = (): TaskDriver => fault(createMemoryDriver({ backend }));
    await ModelPlay.play({ leftovers: new Set(), open, pass: async (ms) => backend.advance(ms) }, calls);
  });
  const details = await fc.check(property, { seed: 1, numRuns: 1_000, endOnFailure: true });
  expect(details.failed).toBe(true);
});
