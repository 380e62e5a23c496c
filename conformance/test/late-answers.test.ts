/** A machine that stands still at a bad moment, as a store shows it: by an answer that comes late. */
import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { describeRule, runConformance } from "../src/index.ts";
import { overStore } from "../src/mutants/over-store.ts";
import { referenceStore, storeTarget } from "../src/targets.ts";

/** Longer than the shortest lease that rules take. */
const LATE_MS = 400;

it("fails no store whose first lease is over before its worker hears of it", async () => {
  let late = 0;
  const target = storeTarget({
    name: "late once",
    opensTwice: false,
    open: (namespace, settings) =>
      overStore(referenceStore(namespace, settings), {
        root: (inner) => ({
          async acquireLease(taskId, options) {
            const lease = await inner.acquireLease(taskId, options);
            late += 1;
            if (late === 1) await setTimeout(LATE_MS);
            return lease;
          },
        }),
      }),
  });
  const report = await runConformance(target, { rules: ["exec/lease"], replays: 0, timing: { rounds: 5 } });
  expect(report.verdict, report.rules.map((rule) => describeRule(rule, report)).join("\n")).toBe("conformant");
  expect(late).toBeGreaterThan(1);
});
