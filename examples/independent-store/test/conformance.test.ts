/** A store that shares nothing with ours but the contract: what the kit asks of it, it asks of the contract. */
import { describeRule, type Need, rules, runConformance, selectedRules } from "@mcp-task-store/conformance";
import { describe, expect, it } from "vitest";
import { type Shape, shapes } from "./shapes.ts";

/** What a store of one process that may forget its tasks cannot lend the kit, and what it is not. */
const BEYOND: readonly Need[] = ["driver", "restart", "sdkV1", "via"];

async function expectConformant({ target, notApplicable }: Shape): Promise<void> {
  const seed = Math.floor(Math.random() * 0xffff_ffff);
  const report = await runConformance(target, { seed });
  const wrong = report.rules.filter(({ outcome }) => outcome === "fail" || outcome === "could-not-run");
  expect(wrong.map((rule) => describeRule(rule, report)).join("\n"), `seed ${seed}`).toBe("");
  const left = report.rules.filter(({ outcome }) => outcome === "not-applicable").map(({ id }) => id);
  const others = new Set(selectedRules(notApplicable).map(({ id }) => id));
  const expected = rules.filter(({ id, needs }) => others.has(id) || needs.some((need) => BEYOND.includes(need)));
  expect(left).toEqual(expected.map(({ id }) => id));
  expect(report.verdict).toBe("conformant");
}

describe("the store written by hand", () => {
  it.each(shapes)("is conformant: $name ($freedom)", { timeout: 300_000 }, expectConformant);
});
