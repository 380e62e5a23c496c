import { describeRule, type Need, rules, runConformance } from "@mcp-task-store/conformance";
import type { Target } from "@mcp-task-store/conformance/targets";
import { describe, expect, it } from "vitest";
import { target as handles } from "../src/conformance.target.ts";
import { target as processes } from "../src/processes.target.ts";

/** What neither has: hints, another clock than the machine's, a connection that could be cut. */
const BEYOND: readonly Need[] = ["clock", "pushHints", "quota", "sdkV1", "via"];

async function expectConformant(target: Target, beyond: readonly Need[]): Promise<void> {
  const seed = Math.floor(Math.random() * 0xffff_ffff);
  const report = await runConformance(target, { seed });
  const wrong = report.rules.filter(({ outcome }) => outcome === "fail" || outcome === "could-not-run");
  expect(wrong.map((rule) => describeRule(rule, report)).join("\n"), `seed ${seed}`).toBe("");
  const left = report.rules.filter(({ outcome }) => outcome === "not-applicable").map(({ id }) => id);
  const expected = rules.filter(({ needs }) => needs.some((need) => beyond.includes(need)));
  expect(left).toEqual(expected.map(({ id }) => id));
  expect(report.verdict).toBe("conformant");
}

describe("the store on LMDB", () => {
  it("is conformant, by its driver and as a store", { timeout: 600_000 }, () =>
    expectConformant(handles, [...BEYOND, "file", "restart"]),
  );

  it("is conformant in two processes, which are killed with SIGKILL", { timeout: 600_000 }, () =>
    expectConformant(processes, BEYOND),
  );
});
