import type { JsonObject } from "@mcp-task-store/core";
import { expect } from "vitest";
import type { Requirement } from "./requirement.ts";
import { POLL_MS } from "./scene.ts";

const TOOLS = { tools: { call: {} } };

/** What a server says of tasks before there is one, and how one is made. */
export const CALLS: readonly Requirement[] = [
  {
    ids: ["S-01"],
    says: "declares tasks, and which requests and tools can be one",
    check: async ({ client, request }) => {
      expect(client.getServerCapabilities()?.tasks).toEqual({ list: {}, cancel: {}, requests: TOOLS });
      const { tools } = await request("tools/list");
      expect(tools).toContainEqual(
        expect.objectContaining({
          name: "echo",
          inputSchema: expect.objectContaining({ type: "object", required: ["text"] }),
          execution: { taskSupport: "optional" },
        }),
      );
      for (const [name, taskSupport] of [
        ["needs_task", "required"],
        ["plain", "forbidden"],
      ]) {
        expect(tools).toContainEqual(expect.objectContaining({ name, execution: { taskSupport } }));
      }
    },
  },
  {
    ids: ["S-72"],
    says: "does not declare a list to callers who are nobody, and has none",
    client: {},
    check: async ({ client, start, request, refusal }) => {
      expect(client.getServerCapabilities()?.tasks).toEqual({ cancel: {}, requests: TOOLS });
      expect(await refusal("tasks/list")).toMatchObject({ code: -32_601 });
      const { taskId } = await start("echo", { arguments: { text: "x" } });
      expect(await request("tasks/result", { taskId })).toMatchObject({ content: [{ text: "x" }] });
    },
  },
  {
    ids: ["S-06"],
    says: "refuses a task of a tool that has none",
    check: async ({ refusal, request }) => {
      const call = { name: "plain", arguments: { text: "x" }, task: {} };
      expect(await refusal("tools/call", call)).toMatchObject({ code: -32_601 });
      expect(await request("tasks/list")).toEqual({ tasks: [] });
    },
  },
  {
    ids: ["S-09"],
    says: "refuses a call without the task that the tool needs",
    check: async ({ refusal }) => {
      expect(await refusal("tools/call", { name: "needs_task" })).toMatchObject({ code: -32_601 });
    },
  },
  {
    ids: ["S-17"],
    says: "ignores task in requests that can be none",
    check: async ({ request }) => {
      const task = { ttl: 1 };
      expect(await request("ping", { task })).toEqual({});
      expect(await request("prompts/get", { name: "joke", task })).toEqual({ messages: [] });
      expect(await request("tools/list", { task })).toHaveProperty("tools");
      expect(await request("tasks/list", { task })).toEqual({ tasks: [] });
    },
  },
  {
    ids: ["S-18"],
    says: "takes calls without task where the tool may run without, and makes none",
    check: async ({ request }) => {
      const call = { name: "echo", arguments: { text: "x" } };
      expect(await request("tools/call", call)).toEqual({ content: [{ type: "text", text: "x" }] });
      expect(await request("tasks/list")).toEqual({ tasks: [] });
    },
  },
  {
    ids: ["S-37", "S-10", "S-19", "S-22", "S-31", "S-32", "S-34", "S-36"],
    says: "answers a call at once with a working task, its ttl as wished, all its fields and no others",
    check: async ({ start, request }) => {
      const { taskId, ...task } = await start("gated", { task: { ttl: 123_456 } });
      expect(taskId).toBeTypeOf("string");
      expect(task).toEqual({
        status: "working",
        createdAt: expect.stringMatching(ISO_8601),
        lastUpdatedAt: expect.stringMatching(ISO_8601),
        ttl: 123_456,
        pollInterval: POLL_MS,
      });
      const { lastUpdatedAt, ...later } = await request("tasks/get", { taskId });
      expect({ ...later, lastUpdatedAt: task["lastUpdatedAt"] }).toEqual({ taskId, ...task });
      expect(lastUpdatedAt).toMatch(ISO_8601);
    },
  },
  {
    ids: ["S-21"],
    says: "gives each task an id of its own, though calls are alike",
    check: async ({ start }) => {
      const alike = async (): Promise<string> => (await start("echo", { arguments: { text: "x" } })).taskId;
      const ids = await Promise.all(Array.from({ length: 10 }, alike));
      expect(new Set(ids).size).toBe(10);
    },
  },
  {
    ids: ["S-10"],
    says: "refuses a ttl that is none, and makes no task",
    check: async ({ refusal, request }) => {
      for (const task of [{ ttl: -1 }, { ttl: 0 }, { ttl: null }, { ttl: "1" }, null, 7, []]) {
        const call = { name: "echo", arguments: { text: "x" }, task };
        expect(await refusal("tools/call", call), JSON.stringify(task)).toMatchObject({ code: -32_602 });
      }
      expect(await request("tasks/list")).toEqual({ tasks: [] });
    },
  },
  {
    ids: [],
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
    ids: ["S-37"],
    says: "makes no task of arguments that the tool cannot take, nor of an unknown tool",
    check: async ({ refusal, request }) => {
      expect(await refusal("tools/call", { name: "echo", arguments: {}, task: {} })).toMatchObject({ code: -32_602 });
      expect(await refusal("tools/call", { name: "nothing", task: {} })).toMatchObject({ code: -32_602 });
      expect(await request("tools/call", { name: "echo", arguments: {} })).toMatchObject({ isError: true });
      expect(await request("tasks/list")).toEqual({ tasks: [] });
    },
  },
];

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
