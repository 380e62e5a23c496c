/** Every requirement of 2025-11-25 basic/utilities/tasks that a client can see of a server, over Streamable HTTP. */
import type { JsonObject } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { type Scene, scene } from "./requirements.ts";

const RELATED = "io.modelcontextprotocol/related-task";

interface Requirement {
  readonly id: string;
  readonly says: string;
  readonly check: (scene: Scene) => Promise<void>;
}

const REQUIREMENTS: readonly Requirement[] = [
  {
    id: "S-01",
    says: "declares tasks, and what can be one",
    check: async ({ client, request }) => {
      expect(client.getServerCapabilities()?.tasks).toEqual({
        list: {},
        cancel: {},
        requests: { tools: { call: {} } },
      });
      const { tools } = await request("tools/list");
      expect(tools).toContainEqual(
        expect.objectContaining({
          name: "echo",
          inputSchema: expect.objectContaining({ type: "object", required: ["text"] }),
          execution: { taskSupport: "optional" },
        }),
      );
      expect(tools).toContainEqual(
        expect.objectContaining({ name: "needs_task", execution: { taskSupport: "required" } }),
      );
      expect(tools).toContainEqual(expect.objectContaining({ name: "plain", execution: { taskSupport: "forbidden" } }));
    },
  },
  {
    id: "S-06",
    says: "refuses a task of a tool that has none",
    check: async ({ refusal }) => {
      const call = { name: "plain", arguments: { text: "x" }, task: {} };
      expect(await refusal("tools/call", call)).toMatchObject({ code: -32_601 });
    },
  },
  {
    id: "S-09",
    says: "refuses a call without the task that the tool needs",
    check: async ({ refusal }) => {
      expect(await refusal("tools/call", { name: "needs_task" })).toMatchObject({ code: -32_601 });
    },
  },
  {
    id: "S-15 S-46",
    says: "tells of each status with the whole task, and without related-task",
    check: async ({ start, step, messages, request }) => {
      const { taskId } = await start("step");
      step("half way");
      await pollUntil(() => messages("notifications/tasks/status").length > 0, { what: "a status" });
      const [{ params } = { params: undefined }] = messages("notifications/tasks/status");
      expect(params).toEqual({
        taskId,
        status: "working",
        statusMessage: "half way",
        createdAt: expect.any(String),
        lastUpdatedAt: expect.any(String),
        ttl: expect.any(Number),
        pollInterval: 60_000,
      });
      step(undefined);
      await request("tasks/result", { taskId });
      expect(messages("notifications/tasks/status").at(-1)).toMatchObject({ params: { taskId, status: "completed" } });
    },
  },
  {
    id: "S-25 S-26 S-28 S-41 S-42",
    says: "asks on the stream of tasks/result, names the task, and works on",
    check: async ({ start, request, messages, door }) => {
      const { taskId } = await start("ask_and_work");
      const result = request("tasks/result", { taskId });
      await pollUntil(() => messages("elicitation/create").length > 0, { what: "the question" });
      const isWorking = async (): Promise<boolean> => (await request("tasks/get", { taskId }))["status"] === "working";
      await pollUntil(isWorking, { what: "the task to work again" });
      door.open();
      expect(await result).toMatchObject({ content: [{ text: "went on" }] });
      const [question, ...others] = messages("elicitation/create");
      expect(question).toMatchObject({ params: { message: "Go on?", _meta: { [RELATED]: { taskId } } } });
      expect(others).toEqual([]);
    },
  },
  {
    id: "S-30",
    says: "answers tasks/get at once, though the task asks",
    check: async ({ start, request, store, messages }) => {
      const { taskId } = await start("greet");
      await pollUntil(async () => (await store.getTask(taskId))?.status === "input_required", { what: "the question" });
      expect(await request("tasks/get", { taskId })).toMatchObject({ taskId, status: "input_required" });
      expect(messages("elicitation/create")).toEqual([]);
    },
  },
  {
    id: "S-37 S-22 S-34",
    says: "answers with a working task, its ttl as wished",
    check: async ({ start, request }) => {
      const { taskId, ...task } = await start("gated", { task: { ttl: 123_456 } });
      expect(task).toEqual({
        status: "working",
        createdAt: expect.any(String),
        lastUpdatedAt: expect.any(String),
        ttl: 123_456,
        pollInterval: 60_000,
      });
      expect(await request("tasks/get", { taskId })).toMatchObject({ ttl: 123_456 });
    },
  },
  {
    id: "S-38 S-40 S-47",
    says: "gives the result that the call would have had, with related-task",
    check: async ({ start, request }) => {
      const plain = await request("tools/call", { name: "echo", arguments: { text: "x" } });
      const { taskId } = await start("echo", { arguments: { text: "x" } });
      const { _meta, ...result } = await request("tasks/result", { taskId });
      expect(result).toEqual(plain);
      expect(_meta).toEqual({ [RELATED]: { taskId } });
      expect(await request("tasks/result", { taskId })).toMatchObject(result);
    },
  },
  {
    id: "S-39",
    says: "holds tasks/result until the end, without a poll",
    check: async ({ start, request, door }) => {
      const { taskId } = await start("gated");
      let isAnswered = false;
      const result = request("tasks/result", { taskId }).then((answer) => {
        isAnswered = true;
        return answer;
      });
      expect(await request("tasks/get", { taskId })).toMatchObject({ status: "working" });
      expect(isAnswered).toBe(false);
      door.open();
      expect(await result).toMatchObject({ content: [{ text: "passed" }] });
    },
  },
  {
    id: "S-43",
    says: "goes by the parameter, not by related-task",
    check: async ({ start, request }) => {
      const { taskId } = await start("echo", { arguments: { text: "x" } });
      await request("tasks/result", { taskId });
      const misleading = { taskId, _meta: { [RELATED]: { taskId: "another" } } };
      expect(await request("tasks/get", misleading)).toMatchObject({ taskId, status: "completed" });
    },
  },
  {
    id: "S-45",
    says: "puts no related-task into get, list and cancel",
    check: async ({ start, request }) => {
      const { taskId } = await start("gated");
      for (const [method, params] of [
        ["tasks/get", { taskId }],
        ["tasks/list", {}],
        ["tasks/cancel", { taskId }],
      ] as const) {
        expect(JSON.stringify(await request(method, params))).not.toContain(RELATED);
      }
    },
  },
  {
    id: "S-48 S-49",
    says: "reports progress under the first token until the end, and not after",
    check: async ({ start, step, messages, request }) => {
      const { taskId } = await start("step", { _meta: { progressToken: "p" } });
      step(3);
      const progress = (): readonly unknown[] => messages("notifications/progress").map(({ params }) => params);
      await pollUntil(() => progress().length === 1, { what: "progress" });
      const meta = { [RELATED]: { taskId } };
      expect(progress()).toEqual([{ progressToken: "p", progress: 3, total: 10, message: "stepping", _meta: meta }]);
      step(undefined);
      await request("tasks/result", { taskId });
      await request("ping");
      expect(progress()).toHaveLength(1);
    },
  },
  {
    id: "S-55 S-56 S-57 S-58",
    says: "cancels before it answers, stops the work, and once only",
    check: async ({ start, request, refusal, door, store }) => {
      const { taskId } = await start("gated");
      expect(await request("tasks/cancel", { taskId })).toMatchObject({ taskId, status: "cancelled" });
      door.open();
      expect(await refusal("tasks/cancel", { taskId })).toMatchObject({ code: -32_602 });
      expect(await store.getTask(taskId)).toMatchObject({ status: "cancelled" });
    },
  },
  {
    id: "S-61",
    says: "knows no unknown or malformed id",
    check: async ({ refusal }) => {
      for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
        for (const params of [{ taskId: "nobody" }, { taskId: 7 }, {}]) {
          expect(await refusal(method, params), `${method} ${JSON.stringify(params)}`).toMatchObject({ code: -32_602 });
        }
      }
    },
  },
  {
    id: "S-62",
    says: "refuses a bad cursor",
    check: async ({ refusal }) => {
      expect(await refusal("tasks/list", { cursor: "nonsense" })).toMatchObject({ code: -32_602 });
      expect(await refusal("tasks/list", { cursor: 7 })).toMatchObject({ code: -32_602 });
    },
  },
  {
    id: "S-63",
    says: "calls a fault of its own -32603 and says no more",
    check: async ({ refusal, store }) => {
      await store.close();
      expect(await refusal("tasks/get", { taskId: "x" })).toMatchObject({
        code: -32_603,
        message: "The task store failed",
      });
    },
  },
  {
    id: "S-65 S-66 S-68",
    says: "fails a task whose tool failed, and still gives its result",
    check: async ({ start, request }) => {
      const { taskId } = await start("is_error");
      expect(await request("tasks/result", { taskId })).toMatchObject({
        isError: true,
        content: [{ text: "no luck" }],
      });
      expect(await request("tasks/get", { taskId })).toMatchObject({ status: "failed" });
    },
  },
  {
    id: "S-65 S-67",
    says: "gives a JSON-RPC error as it was",
    check: async ({ start, refusal, request }) => {
      const { taskId } = await start("rpc_error");
      const error = { code: -32_050, message: "no printer", data: { printers: [] } };
      expect(await refusal("tasks/result", { taskId })).toEqual(error);
      expect(await request("tasks/get", { taskId })).toMatchObject({ status: "failed", statusMessage: "no printer" });
    },
  },
  {
    id: "bad ttl",
    says: "refuses a ttl that is none",
    check: async ({ refusal, request }) => {
      for (const task of [{ ttl: -1 }, { ttl: 0 }, { ttl: null }, { ttl: "1" }, null, 7, []]) {
        const call = { name: "echo", arguments: { text: "x" }, task };
        expect(await refusal("tools/call", call), JSON.stringify(task)).toMatchObject({ code: -32_602 });
      }
      expect(await request("tasks/list")).toEqual({ tasks: [] });
    },
  },
  {
    id: "bad call",
    says: "refuses a call that names no tool, or whose arguments are no object, in its own words",
    check: async ({ refusal }) => {
      const malformed: readonly [JsonObject, string][] = [
        [{}, "name must be a string"],
        [{ name: 7 }, "name must be a string"],
        [{ name: null, task: {} }, "name must be a string"],
        [{ name: "echo", arguments: [{ text: "x" }] }, "arguments must be an object"],
        [{ name: "echo", arguments: null, task: {} }, "arguments must be an object"],
        [{ name: "plain", arguments: "x" }, "arguments must be an object"],
        [{ name: "echo", arguments: {}, task: [] }, "task must be an object, its ttl a number"],
      ];
      for (const [call, problem] of malformed) {
        const error = { code: -32_602, message: `Invalid params for tools/call: ${problem}` };
        expect(await refusal("tools/call", call), JSON.stringify(call)).toEqual(error);
      }
    },
  },
  {
    id: "bad arguments",
    says: "makes no task of arguments that the tool cannot take, nor of an unknown tool",
    check: async ({ refusal, request }) => {
      expect(await refusal("tools/call", { name: "echo", arguments: {}, task: {} })).toMatchObject({ code: -32_602 });
      expect(await refusal("tools/call", { name: "nothing", task: {} })).toMatchObject({ code: -32_602 });
      expect(await request("tools/call", { name: "echo", arguments: {} })).toMatchObject({ isError: true });
      expect(await request("tasks/list")).toEqual({ tasks: [] });
    },
  },
];

describe("a server with TasksSupport", () => {
  it.each(REQUIREMENTS)("$says ($id)", async ({ check }) => {
    await using play = await scene({
      user: "alice",
      answer: () => ({ action: "accept", content: {} }),
    });
    await expect(check(play)).resolves.toBeUndefined();
  });

  it("lists for nobody who is nobody (S-72)", async () => {
    await using play = await scene({});
    expect(play.client.getServerCapabilities()?.tasks).toEqual({ cancel: {}, requests: { tools: { call: {} } } });
    expect(await play.refusal("tasks/list")).toMatchObject({ code: -32_601 });
    const { taskId } = await play.start("echo", { arguments: { text: "x" } });
    expect(await play.request("tasks/result", { taskId })).toMatchObject({ content: [{ text: "x" }] });
  });
});
