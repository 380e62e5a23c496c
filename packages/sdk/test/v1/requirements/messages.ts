import { expect } from "vitest";
import { RELATED_TASK_METADATA_KEY as RELATED } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import type { Requirement } from "./requirement.ts";
import { POLL_MS } from "./scene.ts";

/** What passes between client and server while a task runs. */
export const MESSAGES: readonly Requirement[] = [
  {
    ids: ["S-15", "S-46"],
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
        pollInterval: POLL_MS,
      });
      step(undefined);
      await request("tasks/result", { taskId });
      expect(messages("notifications/tasks/status").at(-1)).toMatchObject({ params: { taskId, status: "completed" } });
    },
  },
  {
    ids: ["S-25", "S-26", "S-28", "S-41", "S-42"],
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
    ids: ["S-41"],
    says: "names the task, too, where it takes a question back",
    client: { user: "alice", answer: async () => await new Promise<never>(() => undefined) },
    check: async ({ start, request, refusal, messages }) => {
      const { taskId } = await start("greet");
      const result = refusal("tasks/result", { taskId });
      await pollUntil(() => messages("elicitation/create").length > 0, { what: "the question" });
      await request("tasks/cancel", { taskId });
      await result;
      const [{ params } = { params: undefined }] = messages("notifications/cancelled");
      expect(params).toMatchObject({ requestId: expect.any(String), _meta: { [RELATED]: { taskId } } });
    },
  },
  {
    ids: ["S-48", "S-49", "S-41"],
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
    ids: ["S-43"],
    says: "goes by the parameter, not by related-task",
    check: async ({ start, request }) => {
      const other = await start("gated");
      const _meta = { [RELATED]: { taskId: other.taskId } };
      const { taskId } = await start("echo", { arguments: { text: "x" } });
      expect(await request("tasks/result", { taskId, _meta })).toMatchObject({
        content: [{ text: "x" }],
        _meta: { [RELATED]: { taskId } },
      });
      expect(await request("tasks/get", { taskId, _meta })).toMatchObject({ taskId, status: "completed" });
      const third = await start("gated");
      expect(await request("tasks/cancel", { taskId: third.taskId, _meta })).toMatchObject({ taskId: third.taskId });
      expect(await request("tasks/get", { taskId: other.taskId })).toMatchObject({ status: "working" });
    },
  },
  {
    ids: ["S-45"],
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
    ids: ["S-30"],
    says: "answers tasks/get at once and with nothing else, though the task asks",
    check: async ({ start, post, store, messages }) => {
      const { taskId } = await start("greet");
      await pollUntil(async () => (await store.getTask(taskId))?.status === "input_required", { what: "the question" });
      const response = await post({ id: 4_711, method: "tasks/get", params: { taskId } });
      const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data:"));
      expect(lines.map((line) => JSON.parse(line.slice("data:".length)))).toEqual([
        { jsonrpc: "2.0", id: 4_711, result: expect.objectContaining({ taskId, status: "input_required" }) },
      ]);
      expect(messages("elicitation/create")).toEqual([]);
    },
  },
  {
    ids: ["S-12"],
    says: "keeps to the rules of Streamable HTTP",
    client: { user: "alice", answer: async () => await new Promise<never>(() => undefined) },
    check: async ({ start, post, request, messages }) => {
      const { taskId } = await start("greet");
      const get = { id: 1, method: "tasks/get", params: { taskId } };
      // Both kinds of answers must be welcome, the version one that was agreed on, the session one that is open.
      expect((await post(get, { accept: "application/json" })).status).toBe(406);
      expect((await post(get, { "content-type": "text/plain" })).status).toBe(415);
      expect((await post(get, { "mcp-protocol-version": "1999-01-01" })).status).toBe(400);
      expect((await post(get, { "mcp-session-id": "nobody" })).status).toBe(404);

      const result = request("tasks/result", { taskId });
      const [question] = await pollUntil(
        () => messages("elicitation/create").length > 0 && messages("elicitation/create"),
        { what: "the question" },
      );
      const answer = { action: "accept", content: { name: "Alice" } };
      const taken = await post({ id: question?.["id"], result: answer });
      expect([taken.status, await taken.text()]).toEqual([202, ""]);
      expect(await result).toMatchObject({ content: [{ text: "Hello, Alice!" }] });
      // Not on the stream for everything else as well.
      expect(messages("elicitation/create")).toHaveLength(1);

      const ended = await post({ id: 2, method: "tasks/result", params: { taskId } });
      expect(ended.headers.get("content-type")).toBe("text/event-stream");
      // Read to its end: the answer closes the stream.
      expect(await ended.text()).toContain("Hello, Alice!");
    },
  },
];
