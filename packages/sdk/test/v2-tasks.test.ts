import { type JsonObject, Resolver, type ScopedTaskStore, type TaskStore, TaskStoreError } from "@mcp-task-store/core";
import {
  CancelTaskResultV2Schema,
  CreateTaskResultV2Schema,
  DetailedTaskV2Schema,
  GetTaskResultV2Schema,
} from "@modelcontextprotocol/ext-tasks/core/v2";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool, ToolError } from "../src/index.ts";
import { ASK_SURE, type Run, taskFor, text, TOOL, toolOf, YES } from "./task-tools.ts";
import { asked, BACKENDS, ended, read, twoStores, withFaults } from "./two-stores.ts";
import { taskIdOf, testServer, type TestServer } from "./v2-server.ts";

const nobody = (): void => undefined;

async function get(server: TestServer, taskId: string): Promise<JsonObject> {
  const { result, text } = await server.call("tasks/get", { taskId });
  if (result === undefined) throw new Error(`no task: ${text}`);
  return result;
}

/** A store whose views have some methods replaced. */
function withViewFaults(store: TaskStore, faults: (view: ScopedTaskStore) => Partial<ScopedTaskStore>): TaskStore {
  return withFaults(store, {
    scoped: (principal) => {
      const view = store.scoped(principal);
      return { ...view, ...faults(view) };
    },
  });
}

describe("the answer of a call that became a task", () => {
  it("is the task, flat, without content and what only tasks/get tells (X-08)", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({ name: TOOL, ttlMs: 60_000, pollIntervalMs: 250, run: () => text("done") });
    const { result, http } = await testServer(stores.a, { tools: [tool], dispatch: nobody }).call("tools/call", {
      name: TOOL,
    });
    expect(http).toBe(200);
    expect(CreateTaskResultV2Schema.parse(result)).toBeDefined();
    expect(result).toEqual({
      resultType: "task",
      taskId: expect.any(String),
      status: "working",
      createdAt: expect.any(String),
      lastUpdatedAt: expect.any(String),
      ttlMs: 60_000,
      pollIntervalMs: 250,
      _meta: expect.any(Object),
    });
  });

  it("says null for a task that lives for ever, and tasks/get too", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({ name: TOOL, ttlMs: null, run: () => text("done") });
    const server = testServer(stores.a, { tools: [tool], dispatch: nobody });
    const answer = await server.call("tools/call", { name: TOOL });
    expect(answer.result).toMatchObject({ ttlMs: null });
    const task = await get(server, taskIdOf(answer));
    expect(task).toMatchObject({ ttlMs: null });
    expect(DetailedTaskV2Schema.parse(task)).toBeDefined();
  });

  it("keeps the call, its client's forms, and neither metadata nor the task's old parameter (X-61)", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({
      name: TOOL,
      inputSchema: z.object({ n: z.string().transform(Number) }),
      run: () => text("done"),
    });
    const server = testServer(stores.a, { tools: [tool], dispatch: nobody });
    const answer = await server.call("tools/call", {
      name: TOOL,
      arguments: { n: "3", extra: 1 },
      task: { ttl: 1 },
      _meta: { progressToken: "p", secret: "s" },
    });
    expect(await read(stores.b, taskIdOf(answer))).toMatchObject({
      generation: "2026-07-28",
      principal: null,
      request: {
        method: "tools/call",
        name: TOOL,
        params: { name: TOOL, arguments: { n: "3", extra: 1 }, elicitation: { form: {} } },
      },
    });
    expect(JSON.stringify(await read(stores.b, taskIdOf(answer)))).not.toContain("secret");
  });

  it("does not leave before the task is stored (X-11)", async () => {
    await using stores = twoStores();
    const creating = new Resolver<void>();
    const gate = new Resolver<void>();
    const store = withViewFaults(stores.a, (view) => ({
      createTask: async (params, options) => {
        creating.resolve();
        await gate.wait();
        return await view.createTask(params, options);
      },
    }));
    let answered = false;
    const dispatched: string[] = [];
    const server = testServer(store, {
      tools: [toolOf(() => text("done"))],
      dispatch: ({ taskId }) => void dispatched.push(taskId),
    });
    const answer = server.call("tools/call", { name: TOOL }).finally(() => {
      answered = true;
    });
    await creating.wait();
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
    expect([answered, dispatched]).toEqual([false, []]);
    gate.resolve();
    expect(dispatched).toEqual([taskIdOf(await answer)]);
  });
});

describe.each(BACKENDS)("tasks, on $name", ({ open, isLeftOut }) => {
  it.skipIf(isLeftOut)("can be read in every process as soon as the call is answered", async () => {
    await using stores = await open();
    const tools = [toolOf(() => text("done"))];
    const [here, there] = [testServer(stores.a, { tools }), testServer(stores.b, { tools })];
    for (let count = 0; count < 10; count += 1) {
      const taskId = taskIdOf(await here.call("tools/call", { name: TOOL }));
      expect(await get(there, taskId)).toMatchObject({ taskId, resultType: "complete" });
    }
    await here.tasks.close();
  });

  it.skipIf(isLeftOut)("are asked, answered and completed through any process", async () => {
    await using stores = await open();
    const tools = [toolOf(async ({ elicit }) => ({ structuredContent: await elicit("sure", ASK_SURE) }))];
    const [here, there] = [testServer(stores.a, { tools }), testServer(stores.b, { tools })];
    const taskId = taskIdOf(await here.call("tools/call", { name: TOOL }));
    await asked(stores.b, taskId);
    expect((await there.call("tasks/update", { taskId, inputResponses: { sure: YES } })).result).toEqual({
      resultType: "complete",
      _meta: expect.any(Object),
    });
    await ended(stores.b, taskId);
    expect(await get(there, taskId)).toMatchObject({
      status: "completed",
      result: { structuredContent: { action: "accept", content: { sure: true } } },
    });
  });
});

/** What tasks/get tells of each status; `inlined` is what the status adds. */
const statuses: readonly (readonly [
  name: string,
  run: Run | undefined,
  arrive: (store: TaskStore, taskId: string) => Promise<unknown>,
  expected: JsonObject,
])[] = [
  ["working", undefined, async () => undefined, { status: "working" }],
  [
    "input_required",
    async ({ elicit }) => ({ structuredContent: await elicit("sure", ASK_SURE, { whileWaiting: "suspend" }) }),
    asked,
    {
      status: "input_required",
      inputRequests: { sure: { method: "elicitation/create", params: { message: "Sure?" } } },
    },
  ],
  [
    "completed",
    () => text("done"),
    ended,
    { status: "completed", result: { ...text("done"), resultType: "complete" } },
  ],
  [
    "completed without content",
    () => ({ structuredContent: { n: 1 } }),
    ended,
    { status: "completed", result: { content: [], structuredContent: { n: 1 }, resultType: "complete" } },
  ],
  [
    "completed with an error result",
    () => {
      throw new Error("disk full");
    },
    ended,
    { status: "completed", result: { ...text("disk full"), isError: true, resultType: "complete" } },
  ],
  [
    "failed",
    () => {
      throw new ToolError(-32_050, "no quota", { left: null });
    },
    ended,
    {
      status: "failed",
      statusMessage: "no quota",
      error: { code: -32_050, message: "no quota", data: { left: null } },
    },
  ],
  ["cancelled", undefined, (store, taskId) => store.cancelTask(taskId), { status: "cancelled" }],
];

describe("tasks/get", () => {
  it.each(statuses)("tells of a task that is %s", async (_name, run, arrive, expected) => {
    await using stores = twoStores();
    const tools = [toolOf(run ?? (() => text("never")))];
    const server = testServer(stores.a, run === undefined ? { tools, dispatch: nobody } : { tools });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    await arrive(stores.b, taskId);
    const task = await get(server, taskId);
    expect(GetTaskResultV2Schema.parse(task)).toBeDefined();
    expect(DetailedTaskV2Schema.parse(task)).toBeDefined();
    expect(task).toMatchObject({ taskId, resultType: "complete", ...expected });
    const inlined = ["inputRequests", "result", "error"].filter((key) => key in task);
    expect(inlined).toEqual(Object.keys(expected).filter((key) => !key.startsWith("status")));
    expect(task).not.toHaveProperty("requestState");
    expect(task).not.toHaveProperty("inputs");
    expect(task).not.toHaveProperty("lease");
    expect(JSON.stringify(task["result"] ?? {})).not.toContain("related-task");
    await server.tasks.close();
  });

  it("shows a task of the older specification that failed with a result as completed (X-65)", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a, { generation: "2025-11-25" });
    const result = { ...text("no such file"), isError: true };
    expect(await stores.a.finishTask(taskId, { status: "completed", result })).toMatchObject({ status: "failed" });
    const task = await get(testServer(stores.a, { tools: [] }), taskId);
    expect(task).toMatchObject({ status: "completed", result: { ...result, resultType: "complete" } });
    expect(task).not.toHaveProperty("error");
    expect(DetailedTaskV2Schema.parse(task)).toBeDefined();
  });

  it("shows the status message, and only the questions that are open (X-18)", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const question = { method: "elicitation/create", params: { mode: "form", message: "?", requestedSchema: {} } };
    await stores.a.requestInputs(taskId, Object.fromEntries(["a", "__proto__", "b"].map((key) => [key, question])));
    await stores.a.updateTask(taskId, { statusMessage: "half way" });
    await stores.a.answerInputs(taskId, { a: YES });
    const server = testServer(stores.a, { tools: [] });
    const { text: body, result } = await server.call("tasks/get", { taskId });
    expect(result).toMatchObject({ status: "input_required", statusMessage: "half way" });
    expect(Object.keys(JSON.parse(body).result.inputRequests).sort()).toEqual(["__proto__", "b"]);
  });
});

describe("tasks/cancel", () => {
  it("is acknowledged without a task, and reaches the tool (X-38)", async () => {
    await using stores = twoStores();
    const started = new Resolver<void>();
    const stopped = new Resolver<unknown>();
    const tool = toolOf(async ({ signal }) => {
      started.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      stopped.resolve(signal.reason);
      throw signal.reason;
    });
    const server = testServer(stores.a, { tools: [tool] });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    await started.wait();
    const { result } = await server.call("tasks/cancel", { taskId });
    expect(CancelTaskResultV2Schema.parse(result)).toBeDefined();
    expect(result).toEqual({ resultType: "complete", _meta: expect.any(Object) });
    expect(await stopped.wait()).toMatchObject({ code: "ABORTED" });
    expect((await ended(stores.b, taskId)).status).toBe("cancelled");
    expect((await server.call("tasks/cancel", { taskId })).result).toEqual(result);
  });

  it.each(["completed", "failed", "cancelled"] as const)("of a task that is %s changes nothing", async (status) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    if (status === "completed") await stores.a.finishTask(taskId, { status, result: {} });
    if (status === "failed") await stores.a.finishTask(taskId, { status, error: { code: 1, message: "m" } });
    if (status === "cancelled") await stores.a.cancelTask(taskId);
    const before = await read(stores.b, taskId);
    const { result } = await testServer(stores.a, { tools: [] }).call("tasks/cancel", { taskId });
    expect(result).toEqual({ resultType: "complete", _meta: expect.any(Object) });
    expect(await read(stores.b, taskId)).toEqual(before);
  });
});

describe("a store that fails", () => {
  const secret = "postgres://user:password@host";
  const failing = async (): Promise<never> => {
    throw new TaskStoreError("STORE_UNAVAILABLE", `cannot reach ${secret}`, { cause: new Error(secret) });
  };
  const odd = async (): Promise<never> => {
    throw new Error(secret);
  };

  it.each<[string, keyof ScopedTaskStore, string, JsonObject]>([
    ["tools/call", "createTask", "tools/call", { name: TOOL }],
    ["tasks/get", "getTask", "tasks/get", { taskId: "t" }],
    ["tasks/update", "getTask", "tasks/update", { taskId: "t", inputResponses: {} }],
    ["tasks/cancel", "requestCancellation", "tasks/cancel", { taskId: "t" }],
  ])("is -32603 with its code, and says nothing of itself: %s", async (_name, method, request, params) => {
    await using stores = twoStores();
    const tools = [toolOf(() => text("never"))];
    const down = testServer(
      withViewFaults(stores.a, () => ({ [method]: failing })),
      { tools },
    );
    const answer = await down.call(request, params);
    expect(answer.error).toMatchObject({ code: -32_603, data: { code: "STORE_UNAVAILABLE", retryable: true } });
    expect(answer.text).not.toContain("postgres");
    const broken = testServer(
      withViewFaults(stores.a, () => ({ [method]: odd })),
      { tools },
    );
    const worse = await broken.call(request, params);
    expect(worse.error?.code).toBe(-32_603);
    expect(worse.text).not.toContain("postgres");
  });

  it("refuses arguments that are too large for it: -32602", async () => {
    await using stores = twoStores({ maxPayloadBytes: 1_000 });
    const tool = defineTaskTool({ name: TOOL, inputSchema: z.object({ s: z.string() }), run: () => text("never") });
    const server = testServer(stores.a, { tools: [tool] });
    const answer = await server.call("tools/call", { name: TOOL, arguments: { s: "x".repeat(2_000) } });
    expect(answer.error).toMatchObject({ code: -32_602, data: { code: "PAYLOAD_TOO_LARGE" } });
    expect(answer.text).not.toContain("xxx");
  });
});
