import { describe, expect, it, vi } from "vitest";
import { describeRule, runConformance } from "../src/index.ts";
import { type Variant, variants } from "../src/mutants.ts";
import { slowVariant } from "../src/variants/slow.ts";

vi.setConfig({ maxConcurrency: 4 });

/** Starting processes is none of their freedoms. */
const NOT_APPLICABLE = ["close/exits"];

/** Once each; `pnpm false-positives` runs them as often as one likes. */
async function expectConformant(variant: Variant, notApplicable: readonly string[]): Promise<void> {
  const seed = Math.floor(Math.random() * 0xffff_ffff);
  const report = await runConformance(variant.target(seed), { seed });
  const wrong = report.rules.filter((rule) => rule.outcome === "fail" || rule.outcome === "could-not-run");
  expect(wrong.map((rule) => describeRule(rule, report)).join("\n"), `seed ${seed}`).toBe("");
  const left = report.rules
    .filter(({ outcome, reason }) => outcome === "not-applicable" && reason !== "needs sdkV1")
    .map(({ id }) => id);
  expect(left.toSorted()).toEqual(notApplicable);
  expect(report.verdict).toBe("conformant");
}

describe("a store that does as it likes where it may", () => {
  const quick = variants.filter(({ name }) => name !== "slow");
  it.concurrent.each(quick)("passes every rule: $name ($freedom)", { timeout: 300_000 }, (variant) =>
    expectConformant(variant, NOT_APPLICABLE),
  );
});

describe("a slow store that loses hints", () => {
  // By itself: stores that answer within a turn would keep its timers waiting.
  it("passes every rule that it claims to", { timeout: 300_000 }, () =>
    expectConformant(slowVariant(10), [...NOT_APPLICABLE, "driver/hints", "wait/gap", "wait/hint-and-poll"].toSorted()),
  );
});
