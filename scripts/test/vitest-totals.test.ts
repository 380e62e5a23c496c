import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addTotals, skippedTests, vitestTotals } from "../vitest-totals.ts";
import { rootDirectory } from "../workspace.ts";

const green = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 1,
  testResults: [{ status: "passed", assertionResults: [{}, {}, {}] }],
};

describe("vitestTotals", () => {
  it("counts tests, and skipped together with todo", () => {
    expect(vitestTotals(green, 0)).toEqual({ passed: 3, failed: 0, skipped: 2 });
  });

  it("counts a file that could not be loaded as one failure", () => {
    const broken = { ...green, testResults: [...green.testResults, { status: "failed", assertionResults: [] }] };
    expect(vitestTotals(broken, 1)).toMatchObject({ passed: 3, failed: 1 });
  });

  it("counts a failure that the report does not show", () => {
    expect(vitestTotals(green, 1)).toMatchObject({ passed: 3, failed: 1 });
  });

  it.each([undefined, null, "text", {}])("counts a missing or foreign report (%j) as a failure", (report) => {
    expect(vitestTotals(report, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe("skippedTests", () => {
  it("names each test that did not run", () => {
    const assertionResults = ["passed", "skipped", "failed", "todo"].map((status) => ({
      status,
      fullName: `is ${status}`,
    }));
    const report = {
      ...green,
      testResults: [{ name: join(rootDirectory, "a.test.ts"), status: "passed", assertionResults }],
    };
    expect(skippedTests(report)).toEqual(["a.test.ts: is skipped", "a.test.ts: is todo"]);
    expect(skippedTests(undefined)).toEqual([]);
  });
});

describe("addTotals", () => {
  it("adds each column", () => {
    const one = { passed: 1, failed: 2, skipped: 3 };
    expect(addTotals([one, one])).toEqual({ passed: 2, failed: 4, skipped: 6 });
  });
});
