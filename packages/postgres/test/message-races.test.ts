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
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

const RACERS = 32;
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

describe.skipIf(postgresIsLeftOut())("messages that race", () => {
  let database: ScratchDatabase;
  let drivers: readonly TaskDriver[];
  let messages: DriverMessages;
  beforeAll(async () => {
    database = await scratchDatabase();
    drivers = [database.driver, database.another(), database.another()];
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

  it("of 32 pushes five find room", async () => {
    for (let round = 0; round < 5; round += 1) {
      const taskId = await task();
      const answers = await race((own, racer) =>
        own.push(pushTo(taskId, { message: message(`m${racer}`), maxSize: 5 })),
      );
      const winners = answers.flatMap(({ kind }, racer) => (kind === "pushed" ? [`m${racer}`] : []));
      expect(winners).toHaveLength(5);
      expect(answers.filter(({ kind }) => kind === "full")).toHaveLength(RACERS - 5);
      expect((await textsIn(taskId)).toSorted(byText)).toEqual(winners.toSorted(byText));
    }
  });

  it("attempts of one push store one message", async () => {
    const push = pushTo(await task(), { maxSize: 1 });
    const answers = await race((own) => own.push(push));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["pushed"]));
    expect(await textsIn(push.taskId)).toEqual(["{}"]);
  });

  it("32 takes get 32 messages, attempts of one take the same", async () => {
    const texts = Array.from({ length: RACERS }, (_, index) => `m${index}`);
    const taskId = await task(texts);
    const answers = await race((own) => own.take(takeFrom(taskId)));
    expect(answers.flatMap(textsOf).toSorted(byText)).toEqual(texts.toSorted(byText));

    const again = takeFrom(await task(texts));
    const same = await race((own) => own.take(again));
    expect(same.map(textsOf)).toEqual(same.map(() => ["m0"]));
  });

  it("drains among pushes get each message once", async () => {
    const taskId = await task();
    const drained: string[] = [];
    let pushed = 0;
    const push = async (): Promise<void> => {
      for (; pushed < 200;) {
        const text = `m${String((pushed += 1)).padStart(3, "0")}`;
        await messages.push(pushTo(taskId, { message: message(text) }));
      }
    };
    const drain = async (own: DriverMessages): Promise<void> => {
      for (; drained.length < 200;) drained.push(...textsOf(await own.take(takeFrom(taskId, { limit: null }))));
    };
    await Promise.all([push(), ...drivers.map((driver) => drain(messagesOf(driver)))]);
    expect(drained.toSorted(byText)).toEqual(
      Array.from({ length: 200 }, (_, index) => `m${String(index + 1).padStart(3, "0")}`),
    );
  });

  it("pushes, takes, deletes and purges of one task run into each other, and leave nothing behind", async () => {
    const taskId = await task();
    await race(async (own, racer, driver) => {
      if (racer % 8 === 7) return await driver.remove({ taskId, notAfterUs: NEVER });
      if (racer % 4 === 2) return await own.take(takeFrom(taskId, { limit: null }));
      if (racer % 4 === 3) return await driver.due(10, 0);
      return await own.push(pushTo(taskId));
    });
    expect(await database.stored(taskId)).toBeUndefined();
    expect(await rowsOf(taskId)).toBe(0);
  });

  function race<T>(each: (own: DriverMessages, racer: number, driver: TaskDriver) => Promise<T>): Promise<T[]> {
    return Promise.all(
      Array.from({ length: RACERS }, async (_, racer) => {
        const driver = drivers[racer % drivers.length] ?? database.driver;
        return each(messagesOf(driver), racer, driver);
      }),
    );
  }

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

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function messagesOf(driver: TaskDriver): DriverMessages {
  if (driver.messages === undefined) throw new Error("the driver keeps messages");
  return driver.messages;
}
