/** A durable server of its own is killed as by a power cut while stores write and wait, and comes back. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTaskStoreError, type Task, type TaskStore, type TaskStoreOptions } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";

/** A server that may be killed, and keeps what it acknowledged. */
export interface KillableServer {
  /** A store with connections of its own. @param polls without hints */
  open(options: TaskStoreOptions, polls: boolean): TaskStore;
  /** At once, as a power cut does. */
  kill(): Promise<void>;
  /** At the same address, with the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const LANES = 6;
const WAITED_FOR = 20;
/** How many tasks are acknowledged between one kill and the next. */
const TASKS_A_LIFE = 40;
const KILLS = 3;
const DEADLINE_MS = 60_000;
/** For calls that nothing stands in the way of, on a busy machine too. */
const PATIENT = { callTimeoutMs: 30_000 } as const;

/** What a store has promised about one task by resolving. */
interface Promised {
  readonly taskId: string;
  readonly message?: string;
  /** Everybody whose finish was acknowledged. */
  readonly winners: readonly string[];
}

export function describeKilledServer(start: () => Promise<KillableServer>): void {
  describe("a server that is killed", () => {
    let service: KillableServer;
    const stores: TaskStore[] = [];
    /** Outside of any call; vitest would fail the run as well, but not say which test did it. */
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

    beforeAll(async () => {
      process.on("unhandledRejection", onUnhandled);
      service = await start();
      await open().setup();
    });
    afterAll(async () => {
      await Promise.all(stores.map((store) => store.close()));
      await service.stop();
      process.off("unhandledRejection", onUnhandled);
    });

    /** A store with connections, hub and maintenance of its own: what another process is. */
    function open({ polls = false, ...options }: TaskStoreOptions & { readonly polls?: boolean } = {}): TaskStore {
      const store = service.open({ maintenance: { everyMs: 200 }, safetyPollMs: 1_000, ...options }, polls);
      stores.push(store);
      return store;
    }

    async function killAndRestart(): Promise<void> {
      await service.kill();
      await service.restart();
    }

    /** The answer of a write; undefined when it could not be had, or when it `mayLose`. Anything else is a fault. */
    async function acknowledged(write: Promise<Task>, mayLose = false): Promise<Task | undefined> {
      try {
        return await write;
      } catch (error) {
        if (isTaskStoreError(error, "STORE_UNAVAILABLE") || isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN")) return;
        if (mayLose && isTaskStoreError(error, "TASK_TERMINAL") && error.task?.status === "completed") return;
        throw error;
      }
    }

    /** Undefined: the answer could not be had. */
    async function answered<T>(call: Promise<T>): Promise<{ readonly value: T } | undefined> {
      try {
        return { value: await call };
      } catch (error) {
        if (isTaskStoreError(error, "STORE_UNAVAILABLE") || isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN")) return;
        throw error;
      }
    }

    it("keeps what was acknowledged, and nothing is acknowledged to two", { timeout: 240_000 }, async () => {
      const promised: Promised[] = [];
      const over = new AbortController();
      const write = async (lane: number, mine: TaskStore, rival: TaskStore): Promise<void> => {
        for (let round = 0; !over.signal.aborted; round += 1) {
          const taskId = `${lane}-${round}`;
          if ((await acknowledged(mine.createTask({ taskId }))) === undefined) continue;
          const reported = await acknowledged(mine.updateTask(taskId, { statusMessage: taskId }));
          const finishBy = async (by: string, store: TaskStore): Promise<readonly string[]> => {
            const finish = store.finishTask(taskId, { status: "completed", result: { by } });
            return (await acknowledged(finish, true)) === undefined ? [] : [by];
          };
          const winners = await Promise.all([finishBy("mine", mine), finishBy("rival", rival)]);
          promised.push({ taskId, winners: winners.flat(), ...(reported && { message: taskId }) });
        }
      };
      const [first, second] = [open(), open({ polls: true })];
      const writing = Promise.all(
        Array.from({ length: LANES }, (_, lane) =>
          lane % 2 === 0 ? write(lane, first, second) : write(lane, second, first),
        ),
      );
      for (let kill = 1; kill <= KILLS; kill += 1) {
        await pollUntil(() => promised.length >= kill * TASKS_A_LIFE, { what: "writes", deadlineMs: DEADLINE_MS });
        await killAndRestart();
      }
      const atRestart = promised.length;
      // Every lane's write that the last kill met, and new ones.
      await pollUntil(() => promised.length >= atRestart + 2 * LANES, {
        what: "writes again",
        deadlineMs: DEADLINE_MS,
      });
      over.abort();
      await writing;

      const reader = open(PATIENT);
      for (const { taskId, message, winners } of promised) {
        const task = await reader.getTask(taskId, { outcome: true });
        expect(winners.length).toBeLessThanOrEqual(1);
        expect(task).toMatchObject({ taskId, ...(message !== undefined && { statusMessage: message }) });
        if (winners.length > 0) expect(task?.outcome).toEqual({ status: "completed", result: { by: winners[0] } });
      }
      expect(promised.filter(({ winners }) => winners.length === 1).length).toBeGreaterThan(TASKS_A_LIFE);
      expect(unhandled).toEqual([]);
    });

    it("keeps messages, in order, and hands each out once", { timeout: 240_000 }, async () => {
      const [sender, receiver, third] = [open(), open(), open({ polls: true })];
      const { taskId } = await sender.createTask();
      const texts = Array.from({ length: 3 * TASKS_A_LIFE }, (_, index) => `m${index}`);
      const received = new Map<string, string>();
      /** Until it is known: the same message id and the same receipt make it once. */
      const untilKnown = async <T>(call: () => Promise<T>): Promise<T> => {
        for (;;) {
          const end = await answered(call());
          if (end !== undefined) return end.value;
        }
      };
      const send = async (): Promise<void> => {
        for (const text of texts) {
          const message = { type: "notification", message: { text }, timestamp: 0 } as const;
          await untilKnown(() => sender.messages.push(taskId, message, { messageId: text }));
        }
      };
      const receive = async (name: string, store: TaskStore): Promise<void> => {
        for (let count = 0; received.size < texts.length;) {
          const receipt = `${name} ${count}`;
          const message = await untilKnown(() => store.messages.shift(taskId, { receipt }));
          if (message === undefined) continue;
          received.set(receipt, String(message.message["text"]));
          count += 1;
        }
      };
      const working = Promise.all([send(), receive("one", receiver), receive("two", third)]);
      for (let kill = 1; kill < KILLS; kill += 1) {
        const enough = (): boolean => received.size >= kill * TASKS_A_LIFE;
        await pollUntil(enough, { what: "messages", deadlineMs: DEADLINE_MS });
        await killAndRestart();
      }
      await working;

      expect([...received.values()].toSorted(byNumber)).toEqual(texts);
      for (const name of ["one", "two"]) {
        const own = [...received].flatMap(([receipt, text]) => (receipt.startsWith(name) ? [text] : []));
        expect(own).toEqual(own.toSorted(byNumber));
      }
      const [[receipt, text] = ["", ""]] = received;
      expect((await open(PATIENT).messages.shift(taskId, { receipt }))?.message).toEqual({ text });
      expect(await open(PATIENT).messages.drain(taskId)).toEqual([]);
      expect(unhandled).toEqual([]);
    });

    it.each([
      ["with hints", false],
      ["without hints", true],
    ])("wakes who waits all the same, %s", async (_, polls) => {
      const writer = open(PATIENT);
      const tasks = await Promise.all(Array.from({ length: WAITED_FOR }, () => writer.createTask()));
      const ids = tasks.map(({ taskId }) => taskId);
      const waiter = open({ ...PATIENT, polls });
      const seen = new Set<string>();
      const watched: Task[] = [];
      const watching = (async () => {
        for await (const task of waiter.watchTasks(ids)) {
          watched.push(task);
          seen.add(task.taskId);
        }
      })();
      const outcomes = Promise.all(ids.map((taskId) => waiter.waitForOutcome(taskId)));
      const updates = Promise.all(
        tasks.map(({ taskId, revision }) => waiter.waitForUpdate(taskId, { since: revision })),
      );
      // They share one read: who was shown one task was shown all.
      await pollUntil(() => seen.size === WAITED_FOR, {
        what: "the waiters to have seen their tasks",
      });
      await killAndRestart();
      await Promise.all(ids.map((by) => writer.finishTask(by, { status: "completed", result: { by } })));

      expect(await outcomes).toEqual(ids.map((by) => ({ status: "completed", result: { by } })));
      expect((await updates).map((task) => task?.status)).toEqual(ids.map(() => "completed"));
      await watching;
      const ended = watched.filter(({ status }) => status === "completed").map(({ taskId }) => taskId);
      expect(ended.toSorted()).toEqual(ids.toSorted());
      expect(unhandled).toEqual([]);
    });

    it("costs calls their time and no more, and the next ones work", async () => {
      const { taskId } = await open(PATIENT).createTask();
      const store = open({ callTimeoutMs: 500 });
      await pollUntil(() => answered(store.getTask(taskId)), { what: "the store to be connected" });
      const cause = { code: "STORE_UNAVAILABLE", retryable: true };
      await service.kill();
      await expect(store.getTask(taskId)).rejects.toMatchObject(cause);
      await expect(store.createTask()).rejects.toMatchObject(cause);
      await expect(store.waitForOutcome("never-seen")).rejects.toMatchObject(cause);
      await expect(store.maintain()).rejects.toMatchObject(cause);
      await service.restart();
      await pollUntil(() => answered(store.getTask(taskId)), { what: "the store to work again" });
      const cancelled = await store.cancelTask(taskId, { timeoutMs: 30_000 });
      expect(cancelled).toMatchObject({ taskId, status: "cancelled" });
      expect(unhandled).toEqual([]);
    });
  });
}

function byNumber(a: string, b: string): number {
  return Number(a.slice(1)) - Number(b.slice(1));
}
