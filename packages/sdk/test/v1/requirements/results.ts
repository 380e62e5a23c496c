import { expect } from "vitest";
import { RELATED_TASK_METADATA_KEY as RELATED } from "@mcp-task-store/core";
import type { Requirement } from "./requirement.ts";

/** How a task ends, and what its requestor gets. */
export const RESULTS: readonly Requirement[] = [
  {
    ids: ["S-38", "S-40", "S-47"],
    says: "gives the result that the call would have had, with related-task, as often as it is asked",
    check: async ({ start, request }) => {
      const plain = await request("tools/call", { name: "echo", arguments: { text: "x" } });
      const { taskId } = await start("echo", { arguments: { text: "x" } });
      const { _meta, ...result } = await request("tasks/result", { taskId });
      expect(result).toEqual(plain);
      expect(_meta).toEqual({ [RELATED]: { taskId } });
      expect(await request("tasks/result", { taskId })).toEqual({ ...result, _meta });
    },
  },
  {
    ids: ["S-39"],
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
    ids: ["S-65", "S-66", "S-68"],
    says: "fails a task whose tool failed, says so in its status, and still gives its result",
    check: async ({ start, request }) => {
      const { taskId } = await start("is_error");
      const { _meta, ...result } = await request("tasks/result", { taskId });
      expect(result).toEqual(await request("tools/call", { name: "is_error" }));
      expect(result).toEqual({ isError: true, content: [{ type: "text", text: "no luck" }] });
      const { status, statusMessage } = await request("tasks/get", { taskId });
      expect([status, statusMessage]).toEqual(["failed", expect.stringMatching(/./)]);
    },
  },
  {
    ids: ["S-65", "S-67"],
    says: "gives a JSON-RPC error as it was",
    check: async ({ start, refusal, request }) => {
      const { taskId } = await start("rpc_error");
      const error = { code: -32_050, message: "no printer", data: { printers: [] } };
      expect(await refusal("tasks/result", { taskId })).toEqual(error);
      expect(await refusal("tools/call", { name: "rpc_error" })).toEqual(error);
      expect(await request("tasks/get", { taskId })).toMatchObject({ status: "failed", statusMessage: "no printer" });
    },
  },
  {
    ids: ["S-55", "S-56", "S-57"],
    says: "cancels before it answers, stops the work, and once only",
    check: async ({ start, request, refusal, stopped, store }) => {
      const { taskId } = await start("obstinate");
      expect(await request("tasks/cancel", { taskId })).toMatchObject({ taskId, status: "cancelled" });
      expect(await store.getTask(taskId)).toMatchObject({ status: "cancelled" });
      await stopped;
      expect(await refusal("tasks/cancel", { taskId })).toMatchObject({ code: -32_602 });
    },
  },
  {
    ids: ["S-58"],
    says: "keeps a cancelled task cancelled, though its tool returns a result",
    check: async ({ start, request, refusal, stopped, endWork }) => {
      const { taskId } = await start("obstinate");
      const cancelled = await request("tasks/cancel", { taskId });
      await stopped;
      await endWork();
      expect(await request("tasks/get", { taskId })).toEqual(cancelled);
      expect(await refusal("tasks/result", { taskId })).toMatchObject({ code: -32_603 });
    },
  },
  {
    ids: ["S-55"],
    says: "cancels nothing that ended otherwise",
    check: async ({ start, request, refusal }) => {
      for (const [name, status] of [
        ["needs_task", "completed"],
        ["is_error", "failed"],
      ]) {
        const { taskId } = await start(String(name));
        await request("tasks/result", { taskId });
        const ended = await request("tasks/get", { taskId });
        expect(await refusal("tasks/cancel", { taskId })).toEqual({
          code: -32_602,
          message: `The task is already ${status}.`,
          data: { code: "TASK_TERMINAL" },
        });
        expect(await request("tasks/get", { taskId })).toEqual(ended);
      }
    },
  },
];
