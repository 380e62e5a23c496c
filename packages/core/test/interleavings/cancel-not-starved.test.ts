import { expect, it } from "vitest";
import { delegate } from "../../../../conformance/src/driver-model/delegate.ts";
import type { TaskDriver } from "../../src/index.ts";
import { onStage } from "./stage.ts";
import type { StageOptions } from "./stage.ts";

const REPORTS = 100;

/** Applies a write only if the row is as this handle last saw it: compare-and-set over the whole record. */
function comparesRevisions(driver: TaskDriver): TaskDriver {
  let known = 0;
  return {
    ...delegate(driver),
    async write(write, options) {
      const { rows, nowUs } = await driver.read([write.taskId]);
      const [row] = rows;
      if (row === undefined) return { kind: "gone" };
      if (row.revision === known) return await driver.write(write, options);
      known = row.revision;
      return { kind: "refused", row, nowUs };
    },
  };
}

/** Between any two events of the cancel a whole report of another process gets through. */
async function reportsBeforeCancel(options: StageOptions): Promise<number> {
  let before = REPORTS;
  await onStage(options, async ({ scheduler, a, b, judge }) => {
    const { taskId } = await judge.createTask();
    let done = 0;
    const report = async (): Promise<void> => {
      for (; done < REPORTS; done += 1) await a.updateTask(taskId, { statusMessage: `${done}` });
    };
    let turn = 0;
    const cancel = async (): Promise<void> => {
      await b.cancelTask(taskId);
      before = done;
    };
    await scheduler.run({ report, cancel }, (tokens) => {
      turn += 1;
      const first = turn % 3 === 0 ? "B." : "A.";
      return tokens.find((token) => token.startsWith(first)) ?? tokens[0] ?? "";
    });
  });
  return before;
}

it("a cancel lands at its first try between reports that never pause", async () => {
  expect(await reportsBeforeCancel({})).toBeLessThan(5);
});

it("compare-and-set would starve it", async () => {
  // Reports compare as well, and win, since each knows the row from its own last answer.
  const shared = { ...comparing() };
  expect(await reportsBeforeCancel(shared)).toBe(REPORTS);
});

/** Only the second handle, the cancelling one, compares. */
function comparing(): StageOptions {
  let handles = 0;
  return {
    backendFault: (driver) => {
      handles += 1;
      return handles === 2 ? comparesRevisions(driver) : driver;
    },
  };
}
