import { TaskStoreError } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { describeReport, describeRule, runConformance, selectedRules } from "../src/index.ts";
import { mutants, referenceTarget } from "../src/mutants.ts";
import { ReferenceBackend } from "../src/mutants/reference-backend.ts";
import { driverTarget, storeTarget, type Target } from "../src/targets.ts";

const timing = { minDeadlineMs: 2_500, rounds: 5 };

function mutantTarget(name: string): Target {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`no mutant is called ${name}`);
  return mutant.plant().target;
}

describe("verdicts", () => {
  it("is conformant when everything that counts passed", async () => {
    const report = await runConformance(referenceTarget(), { rules: ["cancel/late-result"], timing });
    expect(report).toMatchObject({ verdict: "conformant", warnings: [] });
    expect(report.rules.map((rule) => rule.outcome)).toEqual(["pass"]);
  });

  it("is nonconformant when a rule failed, and says what, why and how to repeat it", async () => {
    const report = await runConformance(mutantTarget("cancel-silent"), {
      seed: 7,
      rules: ["cancel/terminal-rejected"],
      timing,
    });
    expect(report.verdict).toBe("nonconformant");
    const [rule] = report.rules;
    expect(rule).toMatchObject({ outcome: "fail", failure: { did: "cancel a task that is completed", by: "judge" } });
    const text = rule === undefined ? "" : describeRule(rule, report);
    expect(text).toContain("(must; S-55)");
    expect(text).toContain("by      S-55 (2025-11-25, Task Cancellation): Cancelling a task that has ended is refused");
    expect(text).toMatch(/saw {5}{ kind: 'fulfilled'/);
    expect(text).toMatch(/wanted {2}TASK_TERMINAL/);
    expect(text).toMatch(/B\.cancelTask\(/);
    expect(text).toContain("failed 10 of 10 times when played again");
    expect(text).toContain("mcp-task-store-conformance run TARGET_FILE --rule cancel/terminal-rejected --seed 7");
    expect(describeReport(report)).toContain("cancel-silent: nonconformant");
  });

  it("only warns of a SHOULD, unless it is strict", async () => {
    const options = { rules: ["inputs/strangers"], timing };
    const lenient = await runConformance(mutantTarget("stranger-throws"), {
      ...options,
      rules: ["inputs/strangers", "inputs/open-only"],
    });
    expect(lenient).toMatchObject({ verdict: "conformant", warnings: ["inputs/strangers"] });
    const strict = await runConformance(mutantTarget("stranger-throws"), { ...options, strict: true });
    expect(strict).toMatchObject({ verdict: "nonconformant", warnings: [] });
  });

  it("does not count a promise that the target does not make", async () => {
    const target: Target = { ...mutantTarget("coop-hard"), claims: ["P1", "P2"] };
    const report = await runConformance(target, { rules: ["lifecycle/times", "cancel/coop"], timing });
    expect(report.rules.map(({ outcome, counts }) => ({ outcome, counts }))).toEqual([
      { outcome: "pass", counts: true },
      { outcome: "fail", counts: false },
    ]);
    expect(report.verdict).toBe("conformant");
  });

  it("is incomplete when a rule could not run, and names the cause", async () => {
    const target: Target = {
      name: "absent",
      namespace: () => Promise.reject(new Error("nobody listens on port 1")),
    };
    const report = await runConformance(target, { rules: ["cancel"], timing });
    expect(report.verdict).toBe("incomplete");
    expect(new Set(report.rules.map((rule) => rule.outcome))).toEqual(new Set(["could-not-run"]));
    expect(report.rules[0]?.reason).toContain("nobody listens on port 1");
  });

  it("does not blame a store whose backend goes away during a rule", async () => {
    const reference = referenceTarget();
    const target: Target = {
      ...reference,
      async namespace() {
        const namespace = await reference.namespace();
        return {
          [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
          async open(options) {
            const store = await namespace.open(options);
            const away = async (): Promise<never> => {
              throw new TaskStoreError("STORE_UNAVAILABLE", "The connection was refused.");
            };
            return { ...store, cancelTask: away };
          },
        };
      },
    };
    const report = await runConformance(target, { rules: ["cancel/race-finish"], timing });
    expect(report.rules).toMatchObject([{ outcome: "could-not-run" }]);
    expect(report.rules[0]?.reason).toContain("STORE_UNAVAILABLE");
    expect(report.verdict).toBe("incomplete");
  });
});

describe("a target whose rules are isolated", () => {
  it.each([
    ["gives each a namespace of its own", true, 3],
    ["and without that one to all that allow it", false, 1],
  ])("%s", async (_, isolated, namespaces) => {
    let made = 0;
    const reference = referenceTarget();
    const target: Target = {
      ...reference,
      isolated,
      async namespace() {
        made += 1;
        const namespace = await reference.namespace();
        // Without a clock that can be moved, which makes every rule one that must be alone.
        return {
          open: (options) => namespace.open(options),
          [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
        };
      },
    };
    const report = await runConformance(target, { rules: ["cancel/coop", "finish/final"], timing });
    expect(report.verdict).toBe("conformant");
    // The first is where the calls are timed.
    expect(made).toBe(namespaces);
  });
});

describe("what a target lacks", () => {
  it("makes a rule not applicable: a facility", async () => {
    const reference = referenceTarget();
    const target: Target = {
      ...reference,
      async namespace() {
        const namespace = await reference.namespace();
        return {
          open: (options) => namespace.open(options),
          [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
        };
      },
    };
    const report = await runConformance(target, { rules: ["durable/reopen"], timing });
    expect(report.rules).toMatchObject([{ id: "durable/reopen", outcome: "not-applicable", reason: "needs restart" }]);
  });

  it("makes a rule not applicable: a setting", async () => {
    const target: Target = { ...referenceTarget(), settings: ["maintenance", "orphanPolicy"] };
    const report = await runConformance(target, { rules: ["lease/orphan-fail", "lease/claim"], timing });
    expect(report.rules.map((rule) => [rule.id, rule.outcome, rule.reason])).toEqual([
      ["lease/claim", "not-applicable", "needs the setting claimWithinMs"],
      ["lease/orphan-fail", "pass", undefined],
    ]);
  });

  it("uses one handle twice where a store knows only one process", async () => {
    let opened = 0;
    const reference = referenceTarget();
    const target: Target = {
      ...reference,
      opensTwice: false,
      async namespace() {
        const namespace = await reference.namespace();
        const open: typeof namespace.open = async (options) => {
          opened += 1;
          return namespace.open(options);
        };
        return { ...namespace, open };
      },
    };
    const report = await runConformance(target, { rules: ["finish/one-winner"], timing });
    expect(report.verdict).toBe("conformant");
    expect(opened).toBe(1);
  });
});

describe("a capability", () => {
  it("that is declared and does not stand one call fails caps/claims, and its rules could not run", async () => {
    const report = await runConformance(mutantTarget("caps-overstated"), {
      rules: ["caps/claims", "messages"],
      timing,
    });
    const [claims, ...others] = report.rules.toReversed();
    expect(claims).toMatchObject({ id: "caps/claims", outcome: "fail" });
    expect(new Set(others.map((rule) => rule.outcome))).toEqual(new Set(["could-not-run"]));
    expect(others[0]?.reason).toMatch(/^messages is declared and does not work: NOT_SUPPORTED/);
    expect(report.verdict).toBe("nonconformant");
  });

  it("that is hidden fails caps/claims: a false declaration is probed too", async () => {
    const report = await runConformance(mutantTarget("caps-understated"), {
      rules: ["caps/claims", "list/next"],
      timing,
    });
    expect(report.rules.map((rule) => [rule.id, rule.outcome])).toEqual([
      ["list/next", "not-applicable"],
      ["caps/claims", "fail"],
    ]);
  });
});

describe("a run of several rounds", () => {
  it("makes other choices in each, and shows the worst", async () => {
    const target = sometimesWrong();
    const options = { rules: ["cancel/terminal-rejected"], repeat: 3, replays: 0, seed: 5, timing };
    const report = await runConformance(target, options);
    expect(report).toMatchObject({ verdict: "nonconformant", repeat: 3 });
    const [rule] = report.rules;
    expect(rule).toMatchObject({ outcome: "fail", round: 1, rounds: { failed: 2, of: 3 } });
    const text = rule === undefined ? "" : describeRule(rule, report);
    expect(text).toContain("failed in 2 of 3 rounds");
    expect(text).toContain("--seed 5 --round 1");
    const again = await runConformance(referenceTarget(), { ...options, repeat: 1, round: 1 });
    expect(again.rules[0]?.seed).toBe(rule?.seed);
  });
});

/** Right in the first namespace, wrong after that. */
function sometimesWrong(): Target {
  const [right, wrong] = [referenceTarget(), mutantTarget("cancel-silent")];
  let opened = 0;
  return { ...right, namespace: () => ((opened += 1) === 1 ? right : wrong).namespace() };
}

describe("seeds and selection", () => {
  it("gives each rule its own seed, the same in every run with the same seed", async () => {
    const options = { seed: 42, rules: ["cancel/late-result", "finish/iserror"], timing };
    const [first, second] = [
      await runConformance(referenceTarget(), options),
      await runConformance(referenceTarget(), options),
    ];
    const seeds = first.rules.map((rule) => rule.seed);
    expect(second.rules.map((rule) => rule.seed)).toEqual(seeds);
    expect(new Set(seeds).size).toBe(2);
    const alone = await runConformance(referenceTarget(), { ...options, rules: ["finish/iserror"] });
    expect(alone.rules.map((rule) => rule.seed)).toEqual(seeds.slice(1));
  });

  it("selects rules and themes, and refuses unknown ones", () => {
    expect(selectedRules(["ids"]).every((rule) => rule.id.startsWith("ids/"))).toBe(true);
    expect(selectedRules(["ids/taken"]).map((rule) => rule.id)).toEqual(["ids/taken"]);
    expect(() => selectedRules(["ids/nothing"])).toThrow("no rule or theme is called ids/nothing");
  });

  it("tells of each rule as it ends", async () => {
    const seen: string[] = [];
    const rules = ["cancel/late-result", "finish/iserror"];
    await runConformance(referenceTarget(), {
      rules,
      timing,
      onProgress: (rule, done, of) => void seen.push(`${rule.id} ${done}/${of}`),
    });
    expect(seen).toHaveLength(2);
    expect(seen.at(-1)).toMatch(/ 2\/2$/);
  });
});

describe("storeTarget", () => {
  it("opens handles on one namespace, sets them up, and closes and removes it at the end", async () => {
    const events: string[] = [];
    const reference = referenceTarget();
    const shared = await reference.namespace();
    const target = storeTarget({
      name: "mine",
      async setup(id) {
        events.push(`setup ${id}`);
      },
      async dispose(id) {
        events.push(`dispose ${id}`);
      },
      async open(id, settings) {
        events.push(`open ${id}`);
        const store = await shared.open({ settings });
        return {
          ...store,
          setup: async () => void events.push("store.setup"),
          close: async () => void events.push("store.close"),
        };
      },
    });
    const report = await runConformance(target, { rules: ["cancel/late-result"], timing });
    expect(report.verdict).toBe("conformant");
    const [id] = /kit_[0-9a-f]{16}/.exec(events[0] ?? "") ?? [];
    expect(events).toEqual([
      `setup ${id}`,
      `open ${id}`,
      "store.setup",
      `open ${id}`,
      "store.setup",
      "store.close",
      "store.close",
      `dispose ${id}`,
    ]);
  });
});

describe("driverTarget", () => {
  it("judges a driver bare and as core's store, and closes all it opened", async () => {
    const backends = new Map<string, ReferenceBackend>();
    const open = new Set<object>();
    const target = driverTarget({
      name: "mine",
      setup: async (id) => void backends.set(id, new ReferenceBackend()),
      dispose: async (id) => void backends.delete(id),
      open(id) {
        const driver = backends.get(id)?.driver();
        if (driver === undefined) throw new Error(`no namespace ${id}`);
        open.add(driver);
        return { ...driver, close: async () => void open.delete(driver) };
      },
    });
    const rules = ["driver/insert", "driver/batch", "cancel/late-result", "durable/reopen"];
    const report = await runConformance(target, { rules, timing });
    expect(Object.fromEntries(report.rules.map((rule) => [rule.id, rule.outcome]))).toEqual({
      "cancel/late-result": "pass",
      "driver/batch": "pass",
      "driver/insert": "pass",
      "durable/reopen": "not-applicable",
    });
    expect({ open: open.size, namespaces: backends.size }).toEqual({ open: 0, namespaces: 0 });
  });

  it("leaves the rules about drivers out where there is only a store", async () => {
    const reference = await referenceTarget().namespace();
    const target = storeTarget({ name: "mine", open: (_id, settings) => reference.open({ settings }) });
    const report = await runConformance(target, { rules: ["driver/insert", "cancel/late-result"], timing });
    expect(report.rules.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ["pass", undefined],
      ["not-applicable", "needs driver"],
    ]);
  });
});
