import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import type { DriverMessages, TaskRecord } from "@mcp-task-store/core";
import { compareMessages } from "../../../conformance/src/driver-model/compare-messages.ts";
import { NEVER, newId, newTask, plain, pushTo, takeFrom } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

/** `DRIVER_SEED=7 vitest run postgres/test/messages` repeats the comparison. */
const seed = Number(process.env["DRIVER_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const TEXT = '{"z":1,"a":[1e400,-0,"\\u0000"],"a":2}';
const DUE = { dueAt: 5, expiresAt: 5, claimBy: 5 } as const;

describe.skipIf(postgresIsLeftOut())("messages", () => {
  let database: ScratchDatabase;
  let messages: DriverMessages;
  beforeAll(async () => {
    database = await scratchDatabase();
    messages = messagesOf(database);
  });
  afterAll(() => database[Symbol.asyncDispose]());

  async function task(record: Partial<TaskRecord> = {}): Promise<string> {
    const row = { ...plain(), ...record };
    await database.plant(row);
    return row.taskId;
  }

  const stored = (taskId: string): Promise<readonly { message_id: string; message: string | null }[]> =>
    database.sql(`select message_id, message from ${SCHEMA}.task_messages where task_id = $1 order by place`, [taskId]);

  it(`equal message-queue.ts (DRIVER_SEED=${seed})`, { timeout: 120_000 }, async () => {
    const driver = database.another({ schema: "compared" });
    await driver.setup();
    const { difference, counts } = await compareMessages(driver, { seed, writes: 3_000 });
    expect(difference).toBeUndefined();
    for (const what of [
      "push full",
      "push refused",
      "push repeated",
      "take repeated",
      "take something",
      "take spent",
    ]) {
      expect(counts[what], what).toBeGreaterThan(5);
    }
  });

  describe("push", () => {
    it("stores the text byte for byte, and moves nothing of the task but its revision", async () => {
      const row = plain();
      await database.plant(row);
      const push = pushTo(row.taskId, { message: { messageId: "m", text: TEXT } });
      const answer = await messages.push(push);
      expect(answer).toEqual({ kind: "pushed", nowUs: expect.any(Number) });
      const revision = "nowUs" in answer ? answer.nowUs : 0;
      expect(await database.stored(row.taskId)).toEqual({ ...row, revision });
      expect(await stored(row.taskId)).toEqual([{ message_id: "m", message: TEXT }]);
      expect(await messages.push({ ...push, message: { messageId: "m", text: "{}" } })).toMatchObject({
        kind: "pushed",
      });
      expect(await database.stored(row.taskId)).toMatchObject({ revision });
      expect(await stored(row.taskId)).toEqual([{ message_id: "m", message: TEXT }]);
    });

    it("moves the revision up, also when the clock was set back", async () => {
      const revision = 9_000_000_000_000_000;
      const taskId = await task({ revision });
      await messages.push(pushTo(taskId));
      expect(await database.stored(taskId)).toMatchObject({ revision: revision + 1 });
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
      expect(await stored(taskId)).toHaveLength(kind === "pushed" ? 1 : 0);
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
      expect(await stored(taskId)).toEqual([{ message_id: "m", message: null }]);
      expect(await messages.take(takeFrom(taskId, { receipt: "old" }))).toMatchObject({ kind: "spent" });
      expect(await messages.push(push)).toMatchObject({ kind: "pushed" });
      expect(await messages.take(takeFrom(taskId))).toMatchObject({ messages: [] });
    });
  });

  describe("go with their task", () => {
    it.each<readonly [string, Partial<TaskRecord>, (taskId: string) => Promise<unknown>]>([
      ["when it is deleted", {}, (taskId) => database.driver.remove({ taskId, notAfterUs: NEVER })],
      ["when it is purged", {}, async (taskId) => (await expire(taskId), database.driver.due(1_000, 1))],
      [
        "when another takes the place of an expired one",
        {},
        async (taskId) => (await expire(taskId), database.driver.insert(newTask({ taskId }))),
      ],
      [
        "when the same insert comes again after it expired",
        { createId: "again" },
        async (taskId) => (await expire(taskId), database.driver.insert(newTask({ taskId, createId: "again" }))),
      ],
    ])("%s", async (_, record, act) => {
      const taskId = await task(record);
      const bystander = await task();
      const messageId = newId("message");
      for (const to of [taskId, bystander]) await messages.push(pushTo(to, { message: { messageId, text: "{}" } }));
      await messages.take(takeFrom(taskId, { receipt: "r" }));
      await messages.push(pushTo(taskId));
      await act(taskId);
      expect(await stored(taskId)).toEqual([]);
      expect(await stored(bystander)).toHaveLength(1);
    });

    const expire = (taskId: string): Promise<unknown> =>
      database.sql(`update ${SCHEMA}.tasks set due_at = $2, expires_at = $3, claim_by = $4 where task_id = $1`, [
        taskId,
        DUE.dueAt,
        DUE.expiresAt,
        DUE.claimBy,
      ]);
  });

  it("are found by indexes", async () => {
    const driver = database.another({ poolSize: 1, hints: "poll" });
    const own = driver.messages;
    if (own === undefined) throw new Error("no messages");
    const taskId = await task();
    await database.sql(
      `insert into ${SCHEMA}.task_messages (task_id, create_id, message_id, place, receipt, handed_at, message)
       select 'other-' || n % 500, 'c', 'm' || n, n, case when n % 2 = 0 then 'r' || n end,
              case when n % 2 = 0 then n end, '{}'
         from generate_series(1, 20000) as n`,
    );
    const before = await sequentialScans();
    for (let round = 0; round < 20; round += 1) {
      await own.push(pushTo(taskId));
      await own.take(takeFrom(taskId));
    }
    // The server adds a connection's counts when it ends, at the latest.
    await driver.close();
    expect(await sequentialScans()).toBe(before);
  });

  async function sequentialScans(): Promise<number> {
    const [row] = await database.sql<{ scans: number }>(
      "select seq_scan as scans from pg_stat_user_tables where schemaname = $1 and relname = 'task_messages'",
      [SCHEMA],
    );
    return row?.scans ?? 0;
  }
});

function messagesOf({ driver }: ScratchDatabase): DriverMessages {
  if (driver.messages === undefined) throw new Error("the driver keeps messages");
  return driver.messages;
}
