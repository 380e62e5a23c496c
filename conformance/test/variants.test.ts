import { describe, expect, it, vi } from "vitest";
import { describeRule, rules, runConformance } from "../src/index.ts";
import { type Variant, variants } from "../src/mutants.ts";
import { slowVariant } from "../src/variants/slow.ts";

vi.setConfig({ maxConcurrency: 4 });

/** Starting processes is none of their freedoms. */
const NOT_APPLICABLE = ["close/exits"];

/** Each is judged by every third rule, others for each variant; `pnpm false-positives` plays all, as often as one likes. */
const SHARE = 3;

function shareOf(variant: Variant): readonly string[] {
  const offset = variants.findIndex(({ name }) => name === variant.name) % SHARE;
  return rules.map(({ id }) => id).filter((_, index) => index % SHARE === offset);
}

async function expectConformant(
  variant: Variant,
  mayBeNotApplicable: readonly string[],
  chosen = shareOf(variant),
): Promise<void> {
  const seed = Math.floor(Math.random() * 0xffff_ffff);
  const notApplicable = mayBeNotApplicable.filter((id) => chosen.includes(id));
  const report = await runConformance(variant.target(seed), { seed, rules: chosen });
  const wrong = report.rules.filter((rule) => rule.outcome === "fail" || rule.outcome === "could-not-run");
  expect(wrong.map((rule) => describeRule(rule, report)).join("\n"), `seed ${seed}`).toBe("");
  const left = report.rules
    .filter(({ outcome, reason }) => outcome === "not-applicable" && reason !== "needs sdkV1")
    .map(({ id }) => id);
  expect(left.toSorted()).toEqual(notApplicable.toSorted());
  expect(report.verdict).toBe("conformant");
}

describe("a store that does as it likes where it may", () => {
  const quick = variants.filter(({ name }) => name !== "slow");
  it.concurrent.each(quick)("passes the rules: $name ($freedom)", { timeout: 300_000 }, (variant) =>
    expectConformant(variant, NOT_APPLICABLE),
  );
});

describe("a store that gives a task to one worker alone, by default", () => {
  const TAKEN_AGAIN = [
    "clock/deadlines",
    "exec/lost-lease",
    "lease/fenced",
    "lease/stale-refused",
    "lease/token-grows",
  ];

  it("passes the rules that take a task again", { timeout: 300_000 }, async () => {
    const variant = variants.find(({ name }) => name === "one-attempt");
    if (variant === undefined) throw new Error("there is no such variant");
    await expectConformant(variant, [], TAKEN_AGAIN);
  });
});

describe("a slow store that loses hints", () => {
  // By itself: stores that answer within a turn would keep its timers waiting.
  it("passes the rules that it claims to", { timeout: 300_000 }, () =>
    expectConformant(slowVariant(10), [...NOT_APPLICABLE, "driver/hints", "wait/gap", "wait/hint-and-poll"]),
  );
});
