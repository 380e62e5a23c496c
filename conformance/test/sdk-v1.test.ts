import { describe, expect, it } from "vitest";
import { createMemoryTaskStore } from "../../packages/memory/src/index.ts";
import { createSdkTaskMessageQueue, createSdkTaskStore } from "../../packages/sdk/src/v1/index.ts";
import { describeRule, runConformance } from "../src/index.ts";
import { fromSdkV1, sdkV1Target, type SdkV1Stores } from "../src/sdk-v1.ts";
import { plainSdk } from "../src/sdk-v1/define-sdk-mutant.ts";
import type { Target } from "../src/target.ts";

const timing = { minDeadlineMs: 2_500, rounds: 5 };

/** Our stores as the SDK has them, in memory. */
function ours(): Target {
  const backends = new Map<string, SdkV1Stores>();
  return sdkV1Target({
    name: "createSdkTaskStore over memory",
    async setup(id) {
      const store = createMemoryTaskStore();
      backends.set(id, { store: createSdkTaskStore(store), queue: createSdkTaskMessageQueue(store) });
    },
    open(id) {
      const stores = backends.get(id);
      if (stores === undefined) throw new Error(`no namespace ${id}`);
      return stores;
    },
    dispose: async (id) => void backends.delete(id),
  });
}

describe("stores of the SDK 1.x", () => {
  it.each([ours(), plainSdk.plant().target])("$name is conformant", async (target) => {
    const report = await runConformance(target, { seed: 1, timing });
    const notable = report.rules.filter(({ outcome }) => outcome === "fail" || outcome === "could-not-run");
    expect(notable.map((rule) => describeRule(rule, report))).toEqual([]);
    expect(report.verdict).toBe("conformant");
    // Everything but what the interfaces cannot say.
    expect(report.rules.filter(({ outcome }) => outcome === "pass").length).toBeGreaterThan(30);
  });

  it("are judged without what rests on sessions where they have none", async () => {
    const target = sdkV1Target({ name: "one caller's", sessions: false, open: () => plain() });
    const report = await runConformance(target, { seed: 1, timing, rules: ["v1/session", "v1/fields"] });
    expect(report.rules.map(({ id, outcome, reason }) => [id, outcome, reason])).toEqual([
      ["v1/fields", "pass", undefined],
      ["v1/session", "not-applicable", "beyond the target's interface"],
    ]);
  });
});

function plain(): SdkV1Stores {
  const store = createMemoryTaskStore();
  return { store: createSdkTaskStore(store, { principal: "one" }) };
}

describe("fromSdkV1", () => {
  it("cancels as the SDK does, and names refusals by what the task is like then", async () => {
    const store = fromSdkV1(plain().store);
    const { taskId } = await store.createTask({ ttlMs: 60_000 });
    expect(await store.cancelTask(taskId)).toMatchObject({ status: "cancelled", ttlMs: 60_000 });
    await expect(store.cancelTask(taskId)).rejects.toMatchObject({ code: "TASK_TERMINAL" });
    await expect(store.cancelTask("unknown")).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    await expect(store.listTasks({ cursor: "nobody gave this" })).rejects.toMatchObject({ code: "INVALID_CURSOR" });
  });

  it("says what the interface cannot express", async () => {
    const store = fromSdkV1(plain().store);
    const { taskId } = await store.createTask();
    const calls = {
      acquireLease: () => store.acquireLease(taskId, { holder: "h" }),
      requestInputs: () => store.requestInputs(taskId, {}),
      deleteTask: () => store.deleteTask(taskId),
      createTask: () => store.createTask({ taskId: "mine" }),
      "messages.push": () =>
        store.messages.push(taskId, { type: "notification", message: {}, timestamp: 0 }, { messageId: "m" }),
    };
    for (const [name, call] of Object.entries(calls)) {
      await expect(call(), name).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
    }
  });
});
