import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { born } from "@mcp-task-store/core/transitions";
import { newTask, plain, shown } from "../../src/driver-model/sample-tasks.ts";
import type { OpenScratch, Scratch } from "./scratch.ts";

export function describeInsert(open: OpenScratch): void {
  describe("insert", () => {
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = await open();
    });
    afterAll(() => scratch[Symbol.asyncDispose]());

    it("stores a new task and returns it", async () => {
      const insert = newTask({ scope: "alice", metadata: '{"z":1,"a":"\\u0000"}', request: '{"method":"tools/call"}' });
      const answer = await scratch.driver.insert(insert);
      const expected = born(insert, answer.nowUs);
      expect(answer).toEqual({ kind: "inserted", row: shown(expected), nowUs: expected.revision });
      expect(await scratch.stored(insert.taskId)).toEqual(expected);
    });

    it("knows its own task again, also after the deadline", async () => {
      const insert = newTask({});
      await scratch.driver.insert(insert);
      expect(await scratch.driver.insert({ ...insert, notAfterUs: 0 })).toMatchObject({ kind: "inserted" });
    });

    it("says that another task has the id, with that task", async () => {
      const insert = newTask({});
      const first = await scratch.driver.insert(insert);
      const answer = await scratch.driver.insert({ ...newTask({ scope: "bob" }), taskId: insert.taskId });
      expect(answer).toMatchObject({ kind: "exists", row: { createId: insert.createId, scope: null } });
      expect(answer).toMatchObject({ row: "row" in first ? first.row : {} });
    });

    it("stores nothing after the deadline", async () => {
      const { nowUs } = await scratch.driver.read([]);
      const insert = newTask({ notAfterUs: nowUs - 1 });
      const answer = await scratch.driver.insert(insert);
      expect(answer).toEqual({ kind: "late", nowUs: expect.any(Number) });
      expect(answer.nowUs).toBeGreaterThanOrEqual(nowUs);
      expect(await scratch.stored(insert.taskId)).toBeUndefined();
    });

    it("replaces an expired task whole", async () => {
      const old = {
        ...plain(),
        scope: "alice",
        ring: [{ writeId: "w", revision: 7 }],
        inputsId: "w",
        status: "failed",
        runUntil: 1,
        attempts: 3,
        cancelRequestedAt: 4,
        inputs: "{}",
        metadata: "{}",
        lease: { token: 7, holder: "h", expiresAt: 5 },
        expiresAt: 5,
        request: "{}",
        outcome: "{}",
      } as const;
      await scratch.plant(old);
      const insert = newTask({ taskId: old.taskId });
      const answer = await scratch.driver.insert(insert);
      expect(answer).toMatchObject({ kind: "inserted" });
      expect(await scratch.stored(old.taskId)).toEqual(born(insert, answer.nowUs));
    });

    it("stores the longest ids and scopes that the engine lets through", async () => {
      // Three bytes each, and nothing that compresses.
      const text = (length: number): string =>
        Array.from({ length }, () => String.fromCharCode(0x4e00 + Math.floor(Math.random() * 0x5000))).join("");
      const insert = newTask({ taskId: text(255), scope: text(512) });
      expect(await scratch.driver.insert(insert)).toMatchObject({ kind: "inserted", row: { taskId: insert.taskId } });
    });
  });
}
