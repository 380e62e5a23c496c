/** Stores that answer as their types forbid, which code without types may do. */
import type { TaskStore } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { type Report, runConformance } from "../src/index.ts";
import { referenceStore, storeTarget } from "../src/targets.ts";

async function reportOn(change: (store: TaskStore) => TaskStore, rules: readonly string[]): Promise<Report> {
  const target = storeTarget({
    name: "untyped",
    open: (namespace, settings) => change(referenceStore(namespace, settings)),
  });
  return runConformance(target, { rules, seed: 7, replays: 0, timing: { minDeadlineMs: 2_500, rounds: 5 } });
}

/** A store, and each of its views, with another value in place of a member. */
function having(store: TaskStore, member: string, value: unknown): TaskStore {
  const scoped: TaskStore["scoped"] = (principal) => ({ ...store.scoped(principal), [member]: value });
  return { ...store, scoped, [member]: value };
}

describe("an answer of the wrong shape", () => {
  it.concurrent.each([
    ["createTask", null, "null", "a task", "lifecycle/times"],
    ["createTask", {}, "{}", "a task", "cancel/terminal-rejected"],
    ["getTask", null, "null", "a task, or undefined", "ttl/gone"],
    ["listTasks", null, "null", "a page of tasks", "list/next"],
    ["listTasks", { tasks: null }, "{ tasks: null }", "a page of tasks", "list/next"],
    ["listTasks", { tasks: [null] }, "{ tasks: [ null ] }", "a page of tasks", "list/next"],
    ["updateTask", undefined, "undefined", "a task", "lifecycle/message"],
    ["deleteTask", undefined, "undefined", "a boolean", "ttl/wakes"],
    ["acquireLease", null, "null", "a lease, or undefined", "lease/token-grows"],
    ["acquireLease", true, "true", "a lease, or undefined", "lease/stale-refused"],
    ["maintain", undefined, "undefined", "a report of maintenance", "lease/orphan-fail"],
  ])("of %s, %j, fails a rule that asks for it, by name", async (method, answer, seen, wanted, rule) => {
    const report = await reportOn((store) => having(store, method, async () => answer), [rule]);
    expect(report.rules).toMatchObject([{ outcome: "fail", failure: { seen, wanted, by: "call" } }]);
    const { did, calls = [] } = report.rules[0]?.failure ?? {};
    expect(did).toMatch(new RegExp(String.raw`^call [AB](\.scoped\(.*\))?\.${method}$`));
    expect(calls.some((call) => call.includes(`.${method}(`) && call.endsWith(`→ ${seen}`))).toBe(true);
  });

  it.concurrent.each([
    ["watchTasks", "an async iterable of tasks", "watch/all"],
    ["scoped", "a view of the store", "scope/owner"],
  ])("of %s, which answers at once, does so too", async (method, wanted, rule) => {
    const report = await reportOn((store) => having(store, method, () => undefined), [rule]);
    expect(report.rules).toMatchObject([{ outcome: "fail", failure: { seen: "undefined", wanted, by: "call" } }]);
  });

  it("is none where a task has more than a task must have", async () => {
    const report = await reportOn((store) => having(store, "extra", "more"), ["list/next", "lease/token-grows"]);
    expect(report.verdict).toBe("conformant");
  });
});

it("names the capabilities that a store does not have", async () => {
  const report = await reportOn((store) => having(store, "capabilities", undefined), ["caps/claims"]);
  const reason = expect.stringContaining("the TaskStore's capabilities have to be an object, and are undefined");
  expect(report.rules).toMatchObject([{ outcome: "could-not-run", reason }]);
});

it("judges capabilities that are no numbers", async () => {
  const broken = (store: TaskStore): TaskStore =>
    having(store, "capabilities", { ...store.capabilities, minTtlMs: undefined, safetyPollMs: "500" });
  const report = await reportOn(broken, ["caps/claims"]);
  expect(report.rules).toMatchObject([{ outcome: "fail", failure: { seen: "[ 'minTtlMs', 'safetyPollMs' ]" } }]);
});

it("names what a target opens in place of a store", async () => {
  const open = async (): Promise<TaskStore> => JSON.parse("null");
  const bare = { name: "bare", namespace: async () => ({ open, [Symbol.asyncDispose]: async () => undefined }) };
  for (const target of [bare, storeTarget({ name: "made", open })]) {
    const report = await runConformance(target, { rules: ["caps/claims"] });
    const reason = expect.stringContaining("open gave null, not a TaskStore");
    expect(report.rules).toMatchObject([{ outcome: "could-not-run", reason }]);
  }
});
