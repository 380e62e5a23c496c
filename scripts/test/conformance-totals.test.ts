import { expect, it } from "vitest";
import { conformanceTotals } from "../conformance-totals.ts";

const right = { backend: "memory", verdict: "conformant", rules: [] };

it("counts each store", () => {
  const report = [right, { ...right, verdict: "incomplete" }, { ...right, verdict: "nonconformant" }];
  expect(conformanceTotals(report, 1)).toEqual({
    passed: 1,
    failed: 2,
    skipped: 0,
    failures: ["pnpm conformance --backend memory: incomplete", "pnpm conformance --backend memory: nonconformant"],
  });
  expect(conformanceTotals([right, right], 0)).toEqual({ passed: 2, failed: 0, skipped: 0, failures: [] });
});

it.each([
  ["wrote nothing", undefined],
  ["wrote something else", { right }],
  ["judged nobody", []],
  ["failed all the same", [right]],
])("counts a failure for a run that %s", (_, report) => {
  expect(conformanceTotals(report, 1).failed).toBe(1);
});
