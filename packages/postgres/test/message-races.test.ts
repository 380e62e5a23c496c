/**
 * Pushes and takes that meet: each decides by what was committed before it, also by what it waited for. A statement that
 * looked at the messages as of its own start would be wrong in each of these.
 */
import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import type { DriverMessages, MessagePush, MessageTake, TakeAnswer, TaskDriver } from "@mcp-task-store/core";
import { namesIn } from "../src/sql/names.ts";
import { makeStatements } from "../src/statements.ts";
import { NEVER, plain, pushTo, takeFrom } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { describeMessageRaces } from "../../../conformance/test/adapter-tests/message-races.ts";
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

const { pushMessage, takeMessages } = makeStatements(namesIn(SCHEMA), false);

type Held = (session: Client) => Promise<unknown>;

const pushing =
  ({ taskId, message, maxSize, notAfterUs }: MessagePush): Held =>
  (session) =>
    session.query(pushMessage.text, [taskId, message.messageId, message.text, true, maxSize, notAfterUs, null]);

const taking =
  ({ taskId, receipt, limit, keepMs, notAfterUs }: MessageTake): Held =>
  (session) =>
    session.query(takeMessages.text, [taskId, receipt, limit, keepMs, notAfterUs, null]);

describe.skipIf(postgresIsLeftOut())("messages that race on Postgres", () => {
  describeMessageRaces(scratchDatabase);

  let database: ScratchDatabase;
  let messages: DriverMessages;
  beforeAll(async () => {
    database = await scratchDatabase();
    messages = messagesOf(database.driver);
  });
  afterAll(() => database[Symbol.asyncDispose]());

  async function task(waiting: readonly string[] = []): Promise<string> {
    const { taskId } = plain();
    await database.plant({ taskId });
    for (const text of waiting) await messages.push(pushTo(taskId, { message: message(text) }));
    return taskId;
  }

  /** Runs a call that has to wait for what `hold` did and has not committed yet. */
  async function behind<T>(hold: Held, call: () => Promise<T>, end: "commit" | "rollback" = "commit"): Promise<T> {
    const holder = await database.session();
    await holder.query("begin");
    await hold(holder);
    const { rows } = await holder.query<{ pid: number }>("select pg_backend_pid() as pid");
    const answer = call();
    const waits = "select from pg_stat_activity where $1::integer = any(pg_blocking_pids(pid))";
    await pollUntil(async () => (await database.sql(waits, [rows[0]?.pid])).length === 1, { what: "the call to wait" });
    await holder.query(end);
    await holder.end();
    return answer;
  }

  it("a push finds its own first attempt, although that filled the queue", async () => {
    const push = pushTo(await task(), { maxSize: 1 });
    expect(await behind(pushing(push), () => messages.push(push))).toMatchObject({ kind: "pushed" });
    expect(await textsIn(push.taskId)).toEqual(["{}"]);
  });

  it("a push finds the queue full that another filled", async () => {
    const push = pushTo(await task(), { maxSize: 1 });
    const rival = pushTo(push.taskId, { maxSize: 1 });
    expect(await behind(pushing(push), () => messages.push(rival))).toMatchObject({ kind: "full" });
    expect(await behind(pushing(push), () => messages.push(push), "rollback")).toMatchObject({ kind: "pushed" });
  });

  it("a push finds the room that a take made", async () => {
    const taskId = await task(["a"]);
    const push = pushTo(taskId, { maxSize: 1 });
    expect(await behind(taking(takeFrom(taskId)), () => messages.push(push))).toMatchObject({ kind: "pushed" });
  });

  it("a push finds its task ended, or gone", async () => {
    const ended = pushTo(await task(), { open: true });
    const end: Held = (session) =>
      session.query(`update ${SCHEMA}.tasks set status = 'failed' where task_id = $1`, [ended.taskId]);
    expect(await behind(end, () => messages.push(ended))).toMatchObject({ kind: "refused" });

    const gone = pushTo(await task());
    const remove: Held = (session) => session.query(`delete from ${SCHEMA}.tasks where task_id = $1`, [gone.taskId]);
    expect(await behind(remove, () => messages.push(gone))).toEqual({ kind: "gone" });
    expect(await rowsOf(gone.taskId)).toBe(0);
  });

  it("a push reads the clock behind the lock", async () => {
    const { nowUs } = await database.driver.read([]);
    const push = pushTo(await task(), { notAfterUs: nowUs + 300_000 });
    const holdOn: Held = async (session) => {
      await session.query(`select from ${SCHEMA}.tasks where task_id = $1 for update`, [push.taskId]);
    };
    const passed = async (): Promise<boolean> => (await database.driver.read([])).nowUs > push.notAfterUs;
    const holder = await database.session();
    await holder.query("begin");
    await holdOn(holder);
    const answer = messages.push(push);
    await pollUntil(passed, { what: "the clock" });
    await holder.query("rollback");
    expect(await answer).toMatchObject({ kind: "late" });
  });

  it("a take finds what was just pushed, and its own first attempt", async () => {
    const pushed = pushTo(await task(), { message: message("new") });
    const taken = await behind(pushing(pushed), () => messages.take(takeFrom(pushed.taskId)));
    expect(textsOf(taken)).toEqual(["new"]);

    const take = takeFrom(await task(["a", "b"]), { receipt: "r" });
    expect(textsOf(await behind(taking(take), () => messages.take(take)))).toEqual(["a"]);
    const all = takeFrom(await task(["a", "b"]), { receipt: "r", limit: null });
    expect(textsOf(await behind(taking(all), () => messages.take(all)))).toEqual(["a", "b"]);
    const other = takeFrom(take.taskId, { receipt: "other" });
    expect(textsOf(await messages.take(other))).toEqual(["b"]);
  });

  it("a take gets what another left", async () => {
    const taskId = await task(["a", "b"]);
    const second = await behind(taking(takeFrom(taskId)), () => messages.take(takeFrom(taskId)));
    expect(textsOf(second)).toEqual(["b"]);
    const undone = await task(["a", "b"]);
    const first = await behind(taking(takeFrom(undone)), () => messages.take(takeFrom(undone)), "rollback");
    expect(textsOf(first)).toEqual(["a"]);
  });

  it("a delete takes along what was pushed while it waited", async () => {
    const deleted = pushTo(await task());
    const remove = { taskId: deleted.taskId, notAfterUs: NEVER };
    expect(await behind(pushing(deleted), () => database.driver.remove(remove))).toBe("removed");
    expect(await rowsOf(deleted.taskId)).toBe(0);
  });

  async function rowsOf(taskId: string): Promise<number> {
    const rows = await database.sql(`select from ${SCHEMA}.task_messages where task_id = $1`, [taskId]);
    return rows.length;
  }

  async function textsIn(taskId: string): Promise<readonly string[]> {
    return textsOf(await messages.take(takeFrom(taskId, { limit: null })));
  }
});

function message(text: string): MessagePush["message"] {
  return { messageId: text, text };
}

function textsOf(answer: TakeAnswer): readonly string[] {
  return answer.kind === "taken" ? answer.messages.map(({ text }) => text) : [answer.kind];
}

function messagesOf(driver: TaskDriver): DriverMessages {
  if (driver.messages === undefined) throw new Error("the driver keeps messages");
  return driver.messages;
}
