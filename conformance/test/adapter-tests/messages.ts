import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DriverMessages, TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { NEVER, newId, newTask, plain, pushTo, takeFrom } from "../../src/driver-model/sample-tasks.ts";
import type { OpenScratch, Scratch } from "./scratch.ts";

const TEXT = '{"z":1,"a":[1e400,-0,"\\u0000"],"a":2}';

export function describeMessages(open: OpenScratch): void {
  describe("messages", () => {
    let scratch: Scratch;
    let messages: DriverMessages;
    beforeAll(async () => {
      scratch = await open();
      messages = messagesOf(scratch.driver);
    });
    afterAll(() => scratch[Symbol.asyncDispose]());

    async function task(record: Partial<TaskRecord> = {}): Promise<string> {
      const row = { ...plain(), ...record };
      await scratch.plant(row);
      return row.taskId;
    }

    describe("push", () => {
      it("stores the text byte for byte, and moves nothing of the task but its revision", async () => {
        const row = plain();
        await scratch.plant(row);
        const push = pushTo(row.taskId, { message: { messageId: "m", text: TEXT } });
        const answer = await messages.push(push);
        expect(answer).toEqual({ kind: "pushed", nowUs: expect.any(Number) });
        const revision = "nowUs" in answer ? answer.nowUs : 0;
        expect(await scratch.stored(row.taskId)).toEqual({ ...row, revision });
        expect(await scratch.storedMessages(row.taskId)).toEqual([{ messageId: "m", text: TEXT }]);
        expect(await messages.push({ ...push, message: { messageId: "m", text: "{}" } })).toMatchObject({
          kind: "pushed",
        });
        expect(await scratch.stored(row.taskId)).toMatchObject({ revision });
        expect(await scratch.storedMessages(row.taskId)).toEqual([{ messageId: "m", text: TEXT }]);
      });

      it("moves the revision up, also when the clock was set back", async () => {
        const revision = 9_000_000_000_000_000;
        const taskId = await task({ revision });
        await messages.push(pushTo(taskId));
        expect(await scratch.stored(taskId)).toMatchObject({ revision: revision + 1 });
      });

      it.each([
        ["gone: unknown", undefined, {}, "gone"],
        ["gone: expired", { expiresAt: 5 }, {}, "gone"],
        ["gone: born after the call", { createdAt: 1_001 }, { bornByUs: 1_000_999 }, "gone"],
        ["pushed: born in the same ms", { createdAt: 1_000 }, { bornByUs: 1_000_999 }, "pushed"],
        ["late", {}, { notAfterUs: 5 }, "late"],
        ["refused: ended", { status: "completed" }, { open: true }, "refused"],
        ["pushed: ended, and that does not matter", { status: "completed" }, {}, "pushed"],
        ["pushed: asks for input", { status: "input_required" }, { open: true }, "pushed"],
      ] as const)("%s", async (_, record, change, kind) => {
        const taskId = record === undefined ? newId("unknown") : await task(record);
        expect(await messages.push(pushTo(taskId, change))).toMatchObject({ kind });
        expect(await scratch.storedMessages(taskId)).toHaveLength(kind === "pushed" ? 1 : 0);
      });

      it("full: counts what waits, not what was handed out", async () => {
        const taskId = await task();
        const push = (): ReturnType<DriverMessages["push"]> => messages.push(pushTo(taskId, { maxSize: 2 }));
        expect(await push()).toMatchObject({ kind: "pushed" });
        expect(await push()).toMatchObject({ kind: "pushed" });
        expect(await push()).toMatchObject({ kind: "full" });
        await messages.take(takeFrom(taskId));
        expect(await push()).toMatchObject({ kind: "pushed" });
        expect(await push()).toMatchObject({ kind: "full" });
      });
    });

    describe("take", () => {
      it("gives in order, once, and the same again to the same receipt", async () => {
        const taskId = await task();
        for (const messageId of ["c", "a", "b"])
          await messages.push(pushTo(taskId, { message: { messageId, text: "{}" } }));
        const ids = async (take: Parameters<typeof takeFrom>[1]): Promise<readonly string[]> => {
          const answer = await messages.take(takeFrom(taskId, take));
          return answer.kind === "taken" ? answer.messages.map(({ messageId }) => messageId) : [answer.kind];
        };
        expect(await ids({ receipt: "r1" })).toEqual(["c"]);
        expect(await ids({ receipt: "r2", limit: null })).toEqual(["a", "b"]);
        expect(await ids({ receipt: "r3", limit: null })).toEqual([]);
        expect(await ids({ receipt: "r2", limit: 1, notAfterUs: 5 })).toEqual(["a", "b"]);
        expect(await ids({ receipt: "r1" })).toEqual(["c"]);
      });

      it.each([
        ["gone: unknown", undefined, {}, "gone"],
        ["gone: expired", { expiresAt: 5 }, {}, "gone"],
        ["gone: born after the call", { createdAt: 1_001 }, { bornByUs: 1_000_999 }, "gone"],
        ["late", {}, { notAfterUs: 5 }, "late"],
        ["taken: nothing", { status: "completed" }, {}, "taken"],
      ] as const)("%s", async (_, record, change, kind) => {
        const taskId = record === undefined ? newId("unknown") : await task(record);
        expect(await messages.take(takeFrom(taskId, change))).toMatchObject({ kind });
      });

      it("forgets the text of what was handed out long ago, and remembers its id and its receipt", async () => {
        const taskId = await task();
        const push = pushTo(taskId, { message: { messageId: "m", text: TEXT } });
        await messages.push(push);
        await messages.take(takeFrom(taskId, { receipt: "old" }));
        await messages.take(takeFrom(taskId, { keepMs: -60_000 }));
        expect(await scratch.storedMessages(taskId)).toEqual([{ messageId: "m", text: null }]);
        expect(await messages.take(takeFrom(taskId, { receipt: "old" }))).toMatchObject({ kind: "spent" });
        expect(await messages.push(push)).toMatchObject({ kind: "pushed" });
        expect(await messages.take(takeFrom(taskId))).toMatchObject({ messages: [] });
      });
    });

    describe("go with their task", () => {
      it.each<readonly [string, Partial<TaskRecord>, (taskId: string) => Promise<unknown>]>([
        ["when it is deleted", {}, (taskId) => scratch.driver.remove({ taskId, notAfterUs: NEVER })],
        ["when it is purged", {}, async (taskId) => (await scratch.expire(taskId), scratch.driver.due(1_000, 1))],
        [
          "when another takes the place of an expired one",
          {},
          async (taskId) => (await scratch.expire(taskId), scratch.driver.insert(newTask({ taskId }))),
        ],
        [
          "when the same insert comes again after it expired",
          { createId: "again" },
          async (taskId) => (
            await scratch.expire(taskId),
            scratch.driver.insert(newTask({ taskId, createId: "again" }))
          ),
        ],
      ])("%s", async (_, record, act) => {
        const taskId = await task(record);
        const bystander = await task();
        const messageId = newId("message");
        for (const to of [taskId, bystander]) await messages.push(pushTo(to, { message: { messageId, text: "{}" } }));
        await messages.take(takeFrom(taskId, { receipt: "r" }));
        await messages.push(pushTo(taskId));
        await act(taskId);
        expect(await scratch.storedMessages(taskId)).toEqual([]);
        expect(await scratch.storedMessages(bystander)).toHaveLength(1);
      });
    });
  });
}

function messagesOf(driver: TaskDriver): DriverMessages {
  if (driver.messages === undefined) throw new Error("the driver keeps messages");
  return driver.messages;
}
