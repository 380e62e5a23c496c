/** What each call of a store costs, counted by the server: a call is slow in proportion to its round trips. */
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isTaskStoreError, type Task, type TaskStore } from "@mcp-task-store/core";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import { createPostgresTaskStore, type PgClientLike, type PgConfigLike, type PgPoolLike } from "../src/index.ts";
import { type Call, DONE, ONE, scene, TWO, UNKNOWN } from "../../../conformance/test/adapter-tests/call-costs.ts";
import { COUNTED, type StatementLog, statementLog } from "./statement-log.ts";

const POOL_SIZE = 3;
const WARM_UP_CALLS = 50;
const isHint = (statement: string): boolean => statement.includes("pg_notify");
/** Every half a minute: is the connection for hints still there? */
const isCheck = (statement: string): boolean => statement === "select";
const isOfCall = (statement: string): boolean => !isHint(statement) && !isCheck(statement);

const SETTINGS = [
  { name: "listen, prepared", hints: "listen", prepare: true },
  { name: "poll, not prepared, as behind a pooler", hints: "poll", prepare: false },
] as const;

describe.skipIf(postgresIsLeftOut())("round trips", () => {
  let log: StatementLog;
  beforeAll(async () => {
    log = await statementLog();
  });
  afterAll(() => log[Symbol.asyncDispose]());

  describe.each(SETTINGS)("with $name", ({ hints, prepare }) => {
    let store: TaskStore;
    /** Of the whole store: its pool, and one for LISTEN. */
    const connections = POOL_SIZE + (hints === "listen" ? 1 : 0);

    beforeAll(async () => {
      store = createPostgresTaskStore({
        config: { ...addressOf(log.url), idleTimeoutMillis: 600_000 },
        schema: `tasks_${hints}`,
        poolSize: POOL_SIZE,
        hints,
        prepare,
        // What maintenance sends is no call's.
        maintenance: false,
      });
      await store.setup();
      const { taskId, revision } = await store.createTask();
      await store.waitForUpdate(taskId, { since: revision, timeoutMs: 1 });
      await everyConnectionOpen(store);
      await pollUntil(async () => (await log.connections()) === connections, { what: `${connections} connections` });
    });
    afterAll(() => store.close());

    it.each(ONE)("one: %s", async (_, call, refusal) => {
      expect(await sentBy(call, refusal)).toHaveLength(1);
    });

    it.each(TWO)("two: %s", async (_, call, refusal) => {
      expect(await sentBy(call, refusal)).toHaveLength(2);
    });

    it("none: what is wrong with the arguments is found out before", async () => {
      const wrong: Call = ({ open }) => store.updateTask(open.taskId, { ttlMs: -1 });
      expect(await sentBy(wrong, "INVALID_ARGUMENT")).toEqual([]);
    });

    it("few: hints of many writes, none where waiters poll", async () => {
      const tasks = await manyTasks(300);
      const statements = await log.during(() =>
        Promise.all(tasks.map(({ taskId }) => store.updateTask(taskId, { statusMessage: "half" }))),
      );
      expect(statements.filter(isOfCall)).toHaveLength(tasks.length);
      const sent = statements.filter(isHint).length;
      if (hints === "poll") expect(sent).toBe(0);
      // They are published one after the other, each with all that gathered meanwhile.
      else expect(sent).toBeLessThan(tasks.length / 10);
    });

    it("few: reads of 500 waiters, who take no connection", async () => {
      const tasks = await manyTasks(500);
      const statements = await log.during(async () => {
        const waits = tasks.map(({ taskId, revision }) => store.waitForUpdate(taskId, { since: revision }));
        await everyConnectionOpen(store);
        expect(await log.connections()).toBe(connections);
        await Promise.all(tasks.map(({ taskId }) => store.finishTask(taskId, DONE)));
        const woken = await Promise.all(waits);
        expect(woken.map((task) => task?.status)).toEqual(tasks.map(() => "completed"));
        expect(await log.connections()).toBe(connections);
      });
      const reads = statements.filter(isOfCall).length - tasks.length - WARM_UP_CALLS;
      expect(reads).toBeGreaterThan(0);
      expect(reads).toBeLessThan(tasks.length / 5);
    });

    function manyTasks(count: number): Promise<readonly Task[]> {
      return Promise.all(Array.from({ length: count }, () => store.createTask()));
    }

    /** What one call sends, hints left out: they are sent after it was answered. */
    async function sentBy(call: Call, refusal?: string): Promise<readonly string[]> {
      const stage = await scene(store);
      let code: string | undefined;
      const statements = await log.during(async () => {
        try {
          await call(stage);
        } catch (error) {
          if (!isTaskStoreError(error)) throw error;
          code = error.code;
        }
      });
      expect(code).toBe(refusal);
      return statements.filter(isOfCall);
    }
  });

  it("a hint that hangs delays no call", async () => {
    const pool = new Pool({ connectionString: log.url });
    pool.on("error", () => {});
    const hanging: (() => void)[] = [];
    const store = createPostgresTaskStore({ pool: holdingHints(pool, hanging), maintenance: false });
    onTestFinished(async () => {
      for (const end of hanging) end();
      await store.close();
      await pool.end();
    });
    await store.setup();
    const { taskId } = await store.createTask();
    await store.updateTask(taskId, { statusMessage: "half" });
    await pollUntil(() => hanging.length > 0, { what: "the hint of the report" });
    expect(await store.finishTask(taskId, DONE)).toMatchObject({ status: "completed" });
    expect(await store.getOutcome(taskId)).toEqual(DONE);
    expect(hanging).toHaveLength(1);
  });
});

/** Opens every connection that the store's pool may have. */
async function everyConnectionOpen(store: TaskStore): Promise<void> {
  await Promise.all(Array.from({ length: WARM_UP_CALLS }, () => store.getTask(UNKNOWN)));
}

/** A pool on which no NOTIFY is answered until its entry in `hanging` is called. */
function holdingHints(pool: Pool, hanging: (() => void)[]): PgPoolLike {
  return {
    async connect() {
      const client = await pool.connect();
      const holding: PgClientLike = {
        query: (query) => {
          if (!isHint(query.text)) return client.query({ ...query, values: [...(query.values ?? [])] });
          return new Promise((resolve) => hanging.push(() => resolve({ rows: [] })));
        },
        release: (destroy) => client.release(destroy),
        on: client.on.bind(client),
        removeListener: client.removeListener.bind(client),
      };
      return holding;
    },
  };
}

function addressOf(url: string): PgConfigLike {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    application_name: COUNTED,
  };
}
