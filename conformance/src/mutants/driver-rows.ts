import { setTimeout as setTimer } from "node:timers";
import { setTimeout } from "node:timers/promises";
import type { TaskDriver, TaskRecord, Write, WriteAnswer } from "@mcp-task-store/core";
import { TaskStoreError } from "@mcp-task-store/core";
import { apply, born, isVisible } from "@mcp-task-store/core/transitions";
import { defineMutant, type Mutant, type Plot } from "./mutant.ts";
import { sharedBy } from "./over-messages.ts";

function faulty(
  name: string,
  fault: string,
  killedBy: string,
  bare: (driver: TaskDriver, plot: Plot) => Partial<TaskDriver>,
): Mutant {
  return defineMutant({
    name,
    fault,
    killedBy: [killedBy],
    mayAlso: ["driver"],
    bare: (driver, plot) => ({ ...driver, ...bare(driver, plot) }),
  });
}

const rowLocks = sharedBy(() => new Map<string, Promise<unknown>>());

/** Work that waits for a row's lock, which each holder keeps for a while. */
function locked<T>(locks: Map<string, Promise<unknown>>, taskId: string, work: () => T): Promise<T> {
  const turn = (locks.get(taskId) ?? Promise.resolve()).then(async () => {
    await setTimeout(1);
    return work();
  });
  locks.set(taskId, turn);
  return turn;
}

type End = PromiseSettledResult<WriteAnswer>;

interface Call {
  readonly write: Write;
  readonly aborted: boolean;
  readonly settle: (end: End) => void;
}

/** Sends what is asked for in one tick together; `mixed` says what each caller is told. */
function inTicks(
  driver: TaskDriver,
  mixed: (calls: readonly Call[], ends: readonly End[]) => readonly End[],
): Partial<TaskDriver> {
  let tick: Call[] = [];
  const flush = async (): Promise<void> => {
    const calls = tick;
    tick = [];
    const ends = await Promise.allSettled(calls.map(({ write }) => driver.write(write)));
    const told = mixed(calls, ends);
    for (const [index, { settle }] of calls.entries()) {
      const end = told[index];
      if (end !== undefined) settle(end);
    }
  };
  return {
    write: (write, options) =>
      new Promise<WriteAnswer>((resolve, reject) => {
        if (tick.length === 0) queueMicrotask(() => void flush());
        const settle = (end: End): void =>
          end.status === "fulfilled" ? resolve(end.value) : reject(asError(end.reason));
        tick.push({ write, aborted: options?.signal?.aborted === true, settle });
      }),
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("The driver rejected without an Error.", { cause: reason });
}

function bare(row: TaskRecord): TaskRecord {
  const { request: _request, outcome: _outcome, ...rest } = row;
  return rest;
}

export const driverRows: readonly Mutant[] = [
  faulty(
    "guard-before-lock",
    "The clock is read before the row's lock is waited for.",
    "driver/no-late-write",
    (driver, { backend, fired }) => ({
      write(write) {
        const calledUs = backend.nowUs();
        return locked(rowLocks(backend), write.taskId, () => {
          const row = backend.rows.get(write.taskId);
          const answer = apply(row, write, calledUs);
          if (answer.kind !== "written") return answer;
          if (apply(row, write, backend.nowUs()).kind !== "written") fired();
          backend.rows.set(write.taskId, answer.row);
          return { ...answer, row: bare(answer.row) };
        });
      },
    }),
  ),
  faulty("insert-upsert", "An insert replaces a row that is there.", "driver/insert", (driver, { backend, fired }) => ({
    async insert(insert) {
      const answer = await driver.insert(insert);
      if (answer.kind !== "exists") return answer;
      fired();
      const row = born(insert, answer.nowUs);
      backend.rows.set(row.taskId, row);
      return { kind: "inserted", row: bare(row), nowUs: answer.nowUs };
    },
  })),
  faulty(
    "expired-blocks-insert",
    "A row that has expired keeps its id until it is purged.",
    "driver/insert",
    (driver, { backend, fired }) => ({
      async insert(insert) {
        const row = backend.rows.get(insert.taskId);
        if (row === undefined || isVisible(row, backend.nowUs())) return driver.insert(insert);
        fired();
        return { kind: "exists", row: bare(row), nowUs: backend.nowUs() };
      },
    }),
  ),
  faulty("writeid-dropped", "The ring keeps the last write only.", "driver/insert", (driver, { fired }) => ({
    async read(taskIds, options) {
      const answer = await driver.read(taskIds, options);
      if (answer.rows.some(({ ring }) => ring.length > 1)) fired();
      return { ...answer, rows: answer.rows.map((row) => ({ ...row, ring: row.ring.slice(-1) })) };
    },
  })),
  faulty(
    "readmany-shifts",
    "Behind an id without a row each row gets the outcome of the one before.",
    "driver/read-many",
    (driver, { fired }) => ({
      async read(taskIds, options) {
        const answer = await driver.read(taskIds, options);
        const hole = taskIds.findIndex((taskId) => !answer.rows.some((row) => row.taskId === taskId));
        if (options?.outcome !== true || hole < 0 || answer.rows.length < 2) return answer;
        fired();
        const rows = answer.rows.map((row, at) => ({
          ...row,
          outcome: answer.rows[Math.max(0, at - 1)]?.outcome ?? null,
        }));
        return { ...answer, rows };
      },
    }),
  ),
  faulty(
    "doubled-rows",
    "An id that is asked for twice is answered twice.",
    "driver/read-many",
    (driver, { fired }) => ({
      async read(taskIds, options) {
        const answer = await driver.read(taskIds, options);
        if (new Set(taskIds).size < taskIds.length) fired();
        return { ...answer, rows: taskIds.flatMap((taskId) => answer.rows.filter((row) => row.taskId === taskId)) };
      },
    }),
  ),
  faulty("batch-shuffled", "Answers of one tick go to the wrong callers.", "driver/batch", (driver, { fired }) =>
    inTicks(driver, (calls, ends) => {
      if (calls.length > 1) fired();
      return ends.toReversed();
    }),
  ),
  faulty("batch-all-fail", "One bad write fails all of its tick.", "driver/batch", (driver, { fired }) =>
    inTicks(driver, (calls, ends) => {
      if (!calls.some(({ aborted }) => aborted)) return ends;
      fired();
      const reason = new TaskStoreError("STORE_UNAVAILABLE", "The batch was given up.");
      return ends.map(() => ({ status: "rejected", reason }));
    }),
  ),
  faulty(
    "due-moved-later",
    "A later deadline takes the place of the earlier one that a row is looked at for.",
    "driver/due",
    (driver, { backend, fired }) => ({
      async write(write, options) {
        const before = backend.rows.get(write.taskId)?.dueAt ?? null;
        const answer = await driver.write(write, options);
        if (answer.kind !== "written") return answer;
        const { expiresAt, claimBy, lease } = answer.row;
        const set = write.alternatives[0]?.then;
        const dueAt =
          set?.ttl === "restart"
            ? expiresAt
            : typeof set?.claimInMs === "number"
              ? claimBy
              : (lease?.expiresAt ?? null);
        if (dueAt === null || before === null || dueAt <= before || set?.lease === null) return answer;
        fired();
        backend.patch(write.taskId, () => ({ dueAt }));
        return { ...answer, row: { ...answer.row, dueAt } };
      },
    }),
  ),
  faulty("due-unlimited", "A look takes no limit.", "driver/due", (driver, { fired }) => ({
    due: (_limit, holdMs, options) => (fired(), driver.due(1_000, holdMs, options)),
  })),
  faulty("due-not-held", "What a look found is found by the next one, too.", "driver/due", (driver, { fired }) => ({
    due: (limit, _holdMs, options) => (fired(), driver.due(limit, 0, options)),
  })),
  faulty("due-forgets-purged", "A look does not say what it purged.", "driver/due", (driver, { fired }) => ({
    async due(limit, holdMs, options) {
      const answer = await driver.due(limit, holdMs, options);
      if (answer.purged.length > 0) fired();
      return { ...answer, purged: [] };
    },
  })),
  faulty(
    "due-never-more",
    "A look that its limit cut short says that it was not.",
    "driver/due",
    (driver, { fired }) => ({
      async due(limit, holdMs, options) {
        const answer = await driver.due(limit, holdMs, options);
        if (answer.more) fired();
        return { ...answer, more: false };
      },
    }),
  ),
  faulty(
    "hint-early",
    "A write is acknowledged, and its hint sent, before it can be read.",
    "driver/hints",
    (driver, { backend, fired }) => ({
      async write(write) {
        const row = backend.rows.get(write.taskId);
        const answer = apply(row, write, backend.nowUs());
        if (answer.kind !== "written") return driver.write(write);
        fired();
        setTimer(() => void driver.write(write), 20);
        return { ...answer, row: bare(answer.row) };
      },
    }),
  ),
  faulty(
    "gap-silent",
    "A listener that was cut off comes back and says nothing.",
    "driver/hints",
    (driver, { fired }) => {
      const { hints } = driver;
      if (hints === undefined) return {};
      return {
        hints: {
          publish: (taskIds) => hints.publish(taskIds),
          subscribe: (listener) => hints.subscribe({ onHint: (taskIds) => listener.onHint(taskIds), onGap: fired }),
        },
      };
    },
  ),
];
