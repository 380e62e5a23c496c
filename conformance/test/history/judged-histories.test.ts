import { describe, expect, it } from "vitest";
import { describeRule, runConformance } from "../../src/index.ts";
import { mutants } from "../../src/mutants.ts";
import { defineRule } from "../../src/rule.ts";
import { rules } from "../../src/rules/catalogue.ts";
import type { Target } from "../../src/target.ts";
import { referenceKit } from "../reference-kit.ts";

const header = { id: "test/rule", title: "A rule", level: "must", source: ["P1"], mutants: [] } as const;

function plantedTarget(name: string): Target {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`no mutant ${name}`);
  return mutant.plant().target;
}

const endsTwice = defineRule({
  ...header,
  histories: {},
  async act(kit) {
    const { taskId } = await kit.task();
    await Promise.allSettled([kit.A.cancelTask(taskId), kit.B.cancelTask(taskId)]);
  },
  judge: () => undefined,
});

describe("a rule that wants its histories judged", () => {
  it("fails although it expects nothing itself", async () => {
    await using right = await referenceKit({ histories: {} });
    expect(await endsTwice.play(right.kit)).toEqual({ kind: "passed" });
    expect(right.kit.histories.map(({ calls }) => calls.map(({ client, method }) => `${client} ${method}`))).toEqual([
      ["A createTask", "A cancelTask", "B cancelTask"],
    ]);
    await using wrong = await referenceKit({ histories: {}, target: plantedTarget("cancel-both-win") });
    expect(await endsTwice.play(wrong.kit)).toMatchObject({ kind: "failed", witness: { wants: expect.any(String) } });
  });

  it("is told nothing of other rules' calls", async () => {
    await using opened = await referenceKit();
    expect(await endsTwice.play(opened.kit)).toEqual({ kind: "passed" });
    expect(opened.kit.histories).toEqual([]);
  });

  it("shows what fits nowhere, what would have, and all calls on that task", async () => {
    const report = await runConformance(plantedTarget("loser-stale"), {
      rules: ["finish/one-winner"],
      seed: 1,
      replays: 0,
    });
    const [found] = report.rules;
    expect(found?.outcome).toBe("fail");
    expect(found?.failure).toMatchObject({
      by: "judge",
      did: expect.stringMatching(/^all \d+ calls on a task up to call \d+ [AB] (?:finish|cancel)Task/),
      seen: expect.stringMatching(/^TASK_TERMINAL with the task \{"status":"working"/),
      wanted: expect.stringContaining("an answer that some order of the calls explains: TASK_TERMINAL with { "),
    });
    expect(found?.failure?.calls[0]).toContain("0 A createTask");
    expect(found && describeRule(found, report)).toContain("An order of all of them, were it not for");
  });

  it("is each one that lets calls race for a task", () => {
    const judged = rules.filter(({ histories }) => histories !== undefined).map(({ id }) => id);
    expect(judged.toSorted()).toEqual([
      "cancel/race-finish",
      "cancel/race-update",
      "durable/not-mine",
      "durable/own-win",
      "durable/unknown",
      "finish/atomic",
      "finish/one-winner",
      "ids/idempotent",
      "ids/taken",
      "inputs/ask-atomic",
      "inputs/handover",
      "inputs/race",
      "lease/exclusive",
      "lease/fenced",
      "lifecycle/any-order",
      "messages/bounded",
      "messages/drain",
      "messages/once",
      "ttl/maintain-race",
      "wait/gap",
    ]);
  });
});
