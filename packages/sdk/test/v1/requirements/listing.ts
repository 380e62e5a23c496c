import { expect } from "vitest";
import type { Requirement } from "./requirement.ts";

const UNKNOWN = { code: -32_602, message: "Task not found" };

/** Whose tasks are found, and what is said of others. */
export const LISTING: readonly Requirement[] = [
  {
    ids: ["S-51", "S-52", "S-54"],
    says: "lists every task that can be read, page by page",
    check: async ({ start, request }) => {
      const ids = await Promise.all(
        Array.from({ length: 51 }, async () => (await start("echo", { arguments: { text: "x" } })).taskId),
      );
      const first = await request("tasks/list");
      expect(first).toEqual({ tasks: expect.any(Array), nextCursor: expect.any(String) });
      const second = await request("tasks/list", { cursor: first["nextCursor"] });
      expect(second).toEqual({ tasks: [expect.any(Object)] });
      const listed = [first["tasks"], second["tasks"]].flat();
      expect(listed).toHaveLength(51);
      for (const taskId of ids) {
        const read = await request("tasks/get", { taskId });
        expect(listed).toContainEqual(expect.objectContaining({ taskId, createdAt: read["createdAt"] }));
      }
    },
  },
  {
    ids: ["S-62"],
    says: "refuses a cursor that is none, or somebody else's",
    check: async ({ start, request, refusal, connect }) => {
      await Promise.all(Array.from({ length: 51 }, async () => await start("echo", { arguments: { text: "x" } })));
      const { nextCursor } = await request("tasks/list");
      const bob = await connect({ user: "bob" });
      for (const cursor of ["nonsense", "", `${String(nextCursor)}x`, 7, null]) {
        expect(await refusal("tasks/list", { cursor }), JSON.stringify(cursor)).toMatchObject({ code: -32_602 });
      }
      expect(await bob.refusal("tasks/list", { cursor: nextCursor })).toMatchObject({ code: -32_602 });
    },
  },
  {
    ids: ["S-61"],
    says: "knows no unknown or malformed id",
    check: async ({ refusal }) => {
      for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
        for (const taskId of ["nobody", "", "a\0b", "x".repeat(10_000), "../..", 7, null, undefined, {}]) {
          const params = taskId === undefined ? {} : { taskId };
          expect(await refusal(method, params), `${method} ${JSON.stringify(params)}`).toMatchObject({ code: -32_602 });
        }
      }
    },
  },
  {
    ids: ["S-69", "S-73", "S-74"],
    says: "keeps a task from others, who cannot tell it from none",
    check: async ({ start, request, connect, door }) => {
      const { taskId } = await start("gated");
      for (const options of [{ user: "bob" }, {}]) {
        const other = await connect(options);
        for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
          expect(await other.refusal(method, { taskId }), method).toEqual(UNKNOWN);
          expect(await other.refusal(method, { taskId: crypto.randomUUID() }), method).toEqual(UNKNOWN);
        }
      }
      const bob = await connect({ user: "bob" });
      expect(await bob.request("tasks/list")).toEqual({ tasks: [] });
      expect(await request("tasks/list")).toEqual({ tasks: [expect.objectContaining({ taskId })] });
      door.open();
      expect(await request("tasks/result", { taskId })).toMatchObject({ content: [{ text: "passed" }] });
    },
  },
  {
    ids: ["S-63"],
    says: "calls a fault of its own -32603 and says no more",
    check: async ({ refusal, endWork, closeStore }) => {
      await endWork();
      await closeStore();
      const fault = { code: -32_603, message: "The task store failed", data: { code: "CLOSED", retryable: false } };
      for (const method of ["tasks/get", "tasks/result", "tasks/cancel", "tasks/list"]) {
        expect(await refusal(method, { taskId: "x" }), method).toEqual(fault);
      }
      const call = { name: "echo", arguments: { text: "x" }, task: {} };
      expect(await refusal("tools/call", call)).toEqual(fault);
    },
  },
];
