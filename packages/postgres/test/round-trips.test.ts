/** What each call of a store costs, counted by the server: a call is slow in proportion to its round trips. */
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isTaskStoreError, type Lease, type Task, type TaskStore } from "@mcp-task-store/core";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import { createPostgresTaskStore, type PgClientLike, type PgConfigLike, type PgPoolLike } from "../src/index.ts";
import { COUNTED, type StatementLog, statementLog } from "./statement-log.ts";

const POOL_SIZE = 3;
const WARM_UP_CALLS = 50;
const DONE = { status: "completed", result: { words: 42 } } as const;
const ASK = { name: { method: "elicitation/create", params: { message: "Who?" } } };
const ANSWER = { name: { action: "accept", content: { name: "Ada" } } };
const NOTE = { type: "notification", message: { method: "note" }, timestamp: 0 } as const;
const UNKNOWN = "no-such-task";

const isHint = (statement: string): boolean => statement.includes("pg_notify");

/** A task in the state that a case needs. */
interface Scene {
  readonly store: TaskStore;
  readonly open: Task;
  readonly ended: Task;
  readonly held: Lease;
  /** Its token is not the live one any more. */
  readonly lost: Lease;
  readonly asking: Task;
  /** A message of it waits, and no other may. */
  readonly full: Task;
}

type Call = (scene: Scene) => Promise<unknown>;
type Case = [what: string, call: Call, refusal?: string];

const ONE: readonly Case[] = [
  ["create", ({ store }) => store.createTask({ request: { method: "tools/call" }, metadata: { a: 1 } })],
  ["create for a principal", ({ store }) => store.scoped("alice").createTask({ idempotencyKey: "once" })],
  ["create the same again", ({ store }) => store.scoped("alice").createTask({ idempotencyKey: "once" })],
  ["create what is there", ({ store, open }) => store.createTask({ taskId: open.taskId }), "ALREADY_EXISTS"],
  ["get", ({ store, open }) => store.getTask(open.taskId)],
  ["get with request and outcome", ({ store, ended }) => store.getTask(ended.taskId, { request: true, outcome: true })],
  ["get what is not there", ({ store }) => store.getTask(UNKNOWN)],
  ["get a foreign one", ({ store, open }) => store.scoped("mallory").getTask(open.taskId)],
  ["get an outcome", ({ store, ended }) => store.getOutcome(ended.taskId)],
  ["get no outcome", ({ store }) => store.getOutcome(UNKNOWN), "TASK_NOT_FOUND"],
  ["list a page", ({ store }) => store.scoped("alice").listTasks({ limit: 1 })],
  ["list by status", ({ store }) => store.listTasks({ status: ["completed"] })],
  ["report", ({ store, open }) => store.updateTask(open.taskId, { statusMessage: "half", metadata: null })],
  ["report with a lease", ({ store, held }) => store.updateTask(held.taskId, { ttlMs: 5_000 }, { lease: held.token })],
  ["report on what is over", ({ store, ended }) => store.updateTask(ended.taskId, {}), "TASK_TERMINAL"],
  ["report without the lease", ({ store, held }) => store.updateTask(held.taskId, {}), "LEASE_LOST"],
  ["report on nothing", ({ store }) => store.updateTask(UNKNOWN, {}), "TASK_NOT_FOUND"],
  ["finish", ({ store, open }) => store.finishTask(open.taskId, DONE)],
  ["finish with a lease", ({ store, held }) => store.finishTask(held.taskId, DONE, { lease: held.token })],
  ["finish what is over", ({ store, ended }) => store.finishTask(ended.taskId, DONE), "TASK_TERMINAL"],
  [
    "finish with a lost lease",
    ({ store, lost }) => store.finishTask(lost.taskId, DONE, { lease: lost.token }),
    "LEASE_LOST",
  ],
  ["cancel", ({ store, open }) => store.cancelTask(open.taskId)],
  ["cancel what is over", ({ store, ended }) => store.cancelTask(ended.taskId), "TASK_TERMINAL"],
  ["cancel a foreign one", ({ store, open }) => store.scoped("mallory").cancelTask(open.taskId), "TASK_NOT_FOUND"],
  ["request a cancel of an idle one", ({ store, open }) => store.requestCancellation(open.taskId)],
  ["request a cancel of a held one", ({ store, held }) => store.requestCancellation(held.taskId)],
  ["request a cancel of what is over", ({ store, ended }) => store.requestCancellation(ended.taskId)],
  ["acquire", ({ store, open }) => store.acquireLease(open.taskId, { holder: "w" })],
  ["acquire what is held", ({ store, held }) => store.acquireLease(held.taskId, { holder: "w" })],
  ["acquire nothing", ({ store }) => store.acquireLease(UNKNOWN, { holder: "w" }), "TASK_NOT_FOUND"],
  ["renew", ({ store, held }) => store.renewLease(held.taskId, held.token)],
  ["renew what was lost", ({ store, lost }) => store.renewLease(lost.taskId, lost.token), "LEASE_LOST"],
  ["release", ({ store, held }) => store.releaseLease(held.taskId, held.token)],
  ["release what was lost", ({ store, lost }) => store.releaseLease(lost.taskId, lost.token), "LEASE_LOST"],
  ["push a message", ({ store, open }) => store.messages.push(open.taskId, NOTE, { messageId: "m" })],
  ["push to what is full", ({ store, full }) => push(store, full, "another"), "QUEUE_FULL"],
  ["push to nothing", ({ store }) => store.messages.push(UNKNOWN, NOTE, { messageId: "m" }), "TASK_NOT_FOUND"],
  ["shift a message", ({ store, full }) => store.messages.shift(full.taskId, { receipt: "r" })],
  ["shift where nothing waits", ({ store, ended }) => store.messages.shift(ended.taskId, { receipt: "r" })],
  ["drain messages", ({ store, full }) => store.messages.drain(full.taskId)],
  ["delete", ({ store, open }) => store.deleteTask(open.taskId)],
  ["delete nothing", ({ store }) => store.deleteTask(UNKNOWN)],
];

const TWO: readonly Case[] = [
  // To show how it ended.
  ["push to what is over", ({ store, ended }) => push(store, ended, "late"), "TASK_TERMINAL"],
  ["ask", ({ store, open }) => store.requestInputs(open.taskId, ASK)],
  ["ask with a lease", ({ store, held }) => store.requestInputs(held.taskId, ASK, { lease: held.token })],
  // To find out that it is over, and how.
  ["wait for what is over", ({ store, ended }) => store.waitForOutcome(ended.taskId)],
  ["answer", ({ store, asking }) => store.answerInputs(asking.taskId, ANSWER)],
];

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
      const sent = statements.filter(isHint).length;
      expect(statements.length - sent).toBe(tasks.length);
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
      const reads = statements.filter((statement) => !isHint(statement)).length - tasks.length - WARM_UP_CALLS;
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
      return statements.filter((statement) => !isHint(statement));
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

async function scene(store: TaskStore): Promise<Scene> {
  const lease = async ({ taskId }: Task): Promise<Lease> => {
    const taken = await store.acquireLease(taskId, { holder: "worker" });
    if (taken === undefined) throw new Error("nobody else holds it");
    return taken;
  };
  const held = async (): Promise<Lease> => lease(await store.createTask());
  const lost = async (): Promise<Lease> => {
    const first = await held();
    await lease(await store.releaseLease(first.taskId, first.token));
    return first;
  };
  const asking = async (): Promise<Task> => store.requestInputs((await store.createTask()).taskId, ASK);
  const ended = async (): Promise<Task> => store.finishTask((await store.createTask()).taskId, DONE);
  const full = async (): Promise<Task> => {
    const task = await store.createTask();
    await push(store, task, "first");
    return task;
  };
  const all = await Promise.all([store.createTask(), ended(), held(), lost(), asking(), full()]);
  return { store, open: all[0], ended: all[1], held: all[2], lost: all[3], asking: all[4], full: all[5] };
}

async function push(store: TaskStore, { taskId }: Task, messageId: string): Promise<void> {
  await store.messages.push(taskId, NOTE, { messageId, maxSize: 1 });
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
