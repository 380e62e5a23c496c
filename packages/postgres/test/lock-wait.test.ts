/**
 * What a statement decides after it waited for a lock. Somebody holds the row until the server's clock has passed the
 * instant that matters; a decision made from before the wait would then be wrong.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import type { Insert, TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { NEVER, newId, newTask, plain, shown, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

/** Longer than a busy machine takes until the statement waits. All tests spend it at the same time. */
const AHEAD_MS = 12_000;
const DEADLINE_MS = 30_000;
const CALLERS = 20;
vi.setConfig({ maxConcurrency: CALLERS });

describe.skipIf(postgresIsLeftOut()).concurrent("a statement behind a lock", () => {
  let database: ScratchDatabase;
  /** Of those who wait. The database's own driver reads the clock meanwhile. */
  let caller: TaskDriver;
  beforeAll(async () => {
    database = await scratchDatabase();
    caller = database.another({ poolSize: CALLERS });
    // Connects first: what is not sent before the instant that matters waits for nothing.
    await Promise.all(Array.from({ length: CALLERS }, () => caller.read([])));
  });
  afterAll(() => database[Symbol.asyncDispose]());

  const finish = { when: { open: true }, then: { set: { status: "completed", outcome: "{}" } } } as const;

  /** The instant that matters, epoch ms: a moment ahead of the server's clock. */
  async function soon(): Promise<number> {
    return Math.floor((await database.driver.read([])).nowUs / 1000) + AHEAD_MS;
  }

  async function hasPassed(untilMs: number): Promise<boolean> {
    return (await database.driver.read([])).nowUs > (untilMs + 1) * 1000;
  }

  /**
   * Makes `call` wait behind what `hold` locks, from before `untilMs` until the clock has passed it; then `release`
   * runs. Undefined: no instant matters.
   */
  async function behind<T>(
    hold: readonly [string, readonly unknown[]],
    call: () => Promise<T>,
    untilMs: number | undefined,
    release: readonly [string, readonly unknown[]] | "commit" | "rollback",
  ): Promise<T> {
    const holder = await database.session();
    await holder.query("begin");
    await holder.query(hold[0], [...hold[1]]);
    const { rows } = await holder.query<{ pid: number }>("select pg_backend_pid() as pid");
    const answer = call();
    await pollUntil(
      async () => {
        const waiting = await database.sql(
          "select from pg_stat_activity where $1::integer = any(pg_blocking_pids(pid))",
          [rows[0]?.pid],
        );
        return waiting.length === 1;
      },
      { what: "the statement to wait for the lock", deadlineMs: DEADLINE_MS },
    );
    if (untilMs !== undefined) {
      if (await hasPassed(untilMs)) throw new Error(`it took ${AHEAD_MS} ms until the statement waited`);
      await pollUntil(() => hasPassed(untilMs), { what: "the clock", deadlineMs: DEADLINE_MS, everyMs: 100 });
    }
    if (release === "rollback") {
      await holder.query("rollback");
    } else {
      if (release !== "commit") await holder.query(release[0], [...release[1]]);
      await holder.query("commit");
    }
    return answer;
  }

  const lock = (taskId: string): readonly [string, readonly unknown[]] => [
    `select from ${SCHEMA}.tasks where task_id = $1 for update`,
    [taskId],
  ];

  async function planted(record: Partial<TaskRecord>): Promise<TaskRecord> {
    const row = { ...plain(), ...record };
    await database.plant(row);
    return row;
  }

  it("does not write to a task that expired meanwhile", async () => {
    const expiresAt = await soon();
    const row = await planted({ expiresAt });
    const call = () => caller.write(writeTo(row.taskId, { alternatives: [finish] }));
    expect(await behind(lock(row.taskId), call, expiresAt, "commit")).toEqual({ kind: "gone" });
    expect(await database.stored(row.taskId)).toEqual(row);
  });

  it("does not write under a lease that ended meanwhile", async () => {
    const expiresAt = await soon();
    const row = await planted({ lease: { token: 7, holder: "w", expiresAt } });
    const alternatives = [{ ...finish, when: { open: true, lease: { token: 7 } } }] as const;
    const answer = await behind(
      lock(row.taskId),
      () => caller.write(writeTo(row.taskId, { alternatives })),
      expiresAt,
      "commit",
    );
    expect(answer).toEqual({ kind: "refused", row: shown(row), nowUs: expect.any(Number) });
    expect("nowUs" in answer && answer.nowUs > expiresAt * 1000).toBe(true);
  });

  it("does not write after its deadline", async () => {
    const deadline = await soon();
    const row = await planted({});
    const write = writeTo(row.taskId, { alternatives: [finish], notAfterUs: deadline * 1000 });
    expect(await behind(lock(row.taskId), () => caller.write(write), deadline, "commit")).toMatchObject({
      kind: "refused",
      row: { status: "working" },
    });
  });

  it("judges, and keeps, what the other transaction wrote", async () => {
    const row = await planted({});
    const change = [
      `update ${SCHEMA}.tasks set status_message = 'theirs', attempts = 2, outcome = 'kept' where task_id = $1`,
      [row.taskId],
    ] as const;
    const alternatives = [
      { when: { attemptsBelow: 1 }, then: {} },
      { when: {}, then: { attempts: 1 } },
    ] as const;
    const call = () => caller.write(writeTo(row.taskId, { alternatives }));
    expect(await behind(lock(row.taskId), call, undefined, change)).toMatchObject({
      kind: "written",
      row: { statusMessage: "theirs", attempts: 3 },
    });
    expect(await database.stored(row.taskId)).toMatchObject({ outcome: "kept" });
  });

  it("says gone when the task was deleted meanwhile", async () => {
    const row = await planted({});
    const remove = [`delete from ${SCHEMA}.tasks where task_id = $1`, [row.taskId]] as const;
    const call = () => caller.write(writeTo(row.taskId, { alternatives: [finish] }));
    expect(await behind(lock(row.taskId), call, undefined, remove)).toEqual({ kind: "gone" });
  });

  it("does not remove a task that expired meanwhile", async () => {
    const expiresAt = await soon();
    const { taskId } = await planted({ expiresAt });
    const remove = () => caller.remove({ taskId, notAfterUs: NEVER });
    expect(await behind(lock(taskId), remove, expiresAt, "commit")).toBe("gone");
  });

  it("does not remove after its deadline", async () => {
    const deadline = await soon();
    const row = await planted({});
    const remove = () => caller.remove({ taskId: row.taskId, notAfterUs: deadline * 1000 });
    expect(await behind(lock(row.taskId), remove, deadline, "commit")).toBe("late");
    expect(await database.stored(row.taskId)).toEqual(row);
  });

  it.each(["write", "remove"] as const)("never waits for somebody else's task: %s", async (method) => {
    const row = await planted({ scope: "alice" });
    const holder = await database.session();
    await holder.query("begin");
    await holder.query(lock(row.taskId)[0], [row.taskId]);
    const call =
      method === "write"
        ? database.driver.write(writeTo(row.taskId, { scope: "bob", alternatives: [finish] })).then(({ kind }) => kind)
        : database.driver.remove({ taskId: row.taskId, scope: "bob", notAfterUs: NEVER });
    expect(await call).toBe("gone");
    await holder.query("rollback");
  });

  describe("insert", () => {
    const insertOf = (taskId: string, insert: Partial<Insert> = {}): Insert => newTask({ ...insert, taskId });
    const rival = (
      taskId: string,
      createId: string,
      expiresAt: number | null = null,
    ): readonly [string, readonly unknown[]] => [
      `insert into ${SCHEMA}.tasks (task_id, create_id, revision, ring_ids, ring_revisions, status, created_at,
         last_updated_at, poll_interval_ms, attempts, expires_at) values ($1, $2, 1, '{}', '{}', 'working', 1, 1, 1, 0, $3)`,
      [taskId, createId, expiresAt],
    ];

    it("finds the task of a rival that committed after it had started", async () => {
      const insert = insertOf(newId("task"));
      const answer = await behind(rival(insert.taskId, "rival"), () => caller.insert(insert), undefined, "commit");
      expect(answer).toMatchObject({ kind: "exists", row: { createId: "rival" } });
    });

    it("knows its own earlier attempt that committed after it had started", async () => {
      const insert = insertOf(newId("task"));
      const hold = rival(insert.taskId, insert.createId);
      const answer = await behind(hold, () => caller.insert(insert), undefined, "commit");
      expect(answer).toMatchObject({ kind: "inserted", row: { createId: insert.createId, revision: 1 } });
    });

    it("stores the task when the rival rolled back", async () => {
      const insert = insertOf(newId("task"));
      const answer = await behind(rival(insert.taskId, "rival"), () => caller.insert(insert), undefined, "rollback");
      expect(answer).toMatchObject({ kind: "inserted", row: { createId: insert.createId } });
    });

    it("stores nothing when the rival rolled back after the deadline", async () => {
      const deadline = await soon();
      const insert = insertOf(newId("task"), { notAfterUs: deadline * 1000 });
      const answer = await behind(rival(insert.taskId, "rival"), () => caller.insert(insert), deadline, "rollback");
      expect(answer).toEqual({ kind: "late", nowUs: expect.any(Number) });
      expect(await database.stored(insert.taskId)).toBeUndefined();
    });

    it("takes its times from after the wait when it replaces a rival's task that expired meanwhile", async () => {
      const expiresAt = await soon();
      const insert = insertOf(newId("task"));
      const answer = await behind(
        rival(insert.taskId, "rival", expiresAt),
        () => caller.insert(insert),
        expiresAt,
        "commit",
      );
      expect(answer).toMatchObject({ kind: "inserted", row: { createId: insert.createId } });
      expect(answer.nowUs).toBeGreaterThan(expiresAt * 1000);
    });

    it("never overwrites an expired task that was prolonged meanwhile", async () => {
      const row = await planted({ expiresAt: 5 });
      const prolong = [`update ${SCHEMA}.tasks set expires_at = null where task_id = $1`, [row.taskId]] as const;
      const call = () => caller.insert(insertOf(row.taskId));
      expect(await behind(lock(row.taskId), call, undefined, prolong)).toMatchObject({
        kind: "exists",
        row: { createId: row.createId },
      });
    });
  });
});
