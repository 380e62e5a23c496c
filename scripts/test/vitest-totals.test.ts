import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addTotals, skippedTests, vitestTotals } from "../vitest-totals.ts";
import { rootDirectory } from "../workspace.ts";

const green = {
  numPassedTests: 3,
  numPendingTests: 1,
  numTodoTests: 1,
  testResults: [{ name: join(rootDirectory, "green.test.ts"), status: "passed", assertionResults: [{}, {}, {}] }],
};

describe("vitestTotals", () => {
  it("counts tests, and skipped together with todo", () => {
    expect(vitestTotals(green, 0)).toEqual({ passed: 3, failed: 0, skipped: 2, failures: [] });
  });

  it("counts a file that could not be loaded as one failure", () => {
    const file = { name: join(rootDirectory, "a.test.ts"), status: "failed", message: "no such module" };
    const broken = { ...green, testResults: [...green.testResults, { ...file, assertionResults: [] }] };
    const failures = ["a.test.ts\n  no such module"];
    expect(vitestTotals(broken, 1)).toMatchObject({ passed: 3, failed: 1, failures });
  });

  it("names a file whose hook failed, though no test of it did", () => {
    const skipped = [{ status: "skipped", fullName: "one wins", failureMessages: [] }];
    const file = { name: join(rootDirectory, "a.test.ts"), status: "failed", message: "", assertionResults: skipped };
    const { failed, failures } = vitestTotals({ ...green, testResults: [...green.testResults, file] }, 1);
    expect(failed).toBe(1);
    expect(failures[0]).toMatch(/^a\.test\.ts\n  a hook failed/u);
  });

  it("says each failed test, and the beginning of why", () => {
    const long = Array.from({ length: 100 }, (_, index) => `line ${index}`).join("\n");
    const assertionResults = ["short", long].map((message) => ({
      status: "failed",
      fullName: "one wins",
      failureMessages: [message],
    }));
    const red = { ...green, testResults: [{ name: join(rootDirectory, "a.test.ts"), assertionResults }] };
    const { failed, failures } = vitestTotals(red, 1);
    expect(failed).toBe(2);
    expect(failures[0]).toBe("a.test.ts: one wins\n  short");
    expect(failures[1]).toMatch(/^a\.test\.ts: one wins\n  line 0\n  line 1\n/u);
    expect(failures[1]?.split("\n").length).toBeLessThan(30);
  });

  it("counts a failure that the report does not show", () => {
    expect(vitestTotals(green, 1)).toMatchObject({
      passed: 3,
      failed: 1,
      failures: [expect.stringContaining("exit code 1")],
    });
  });

  it.each([undefined, null, "text", {}])("counts a missing or foreign report (%j) as a failure", (report) => {
    expect(vitestTotals(report, 0)).toMatchObject({ passed: 0, failed: 1, skipped: 0 });
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
    const one = { passed: 1, failed: 2, skipped: 3, failures: ["a", "b"] };
    expect(addTotals([one, one])).toEqual({ passed: 2, failed: 4, skipped: 6, failures: ["a", "b", "a", "b"] });
  });
});
