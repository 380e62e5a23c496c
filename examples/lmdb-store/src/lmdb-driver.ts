import { isTaskStoreError, TaskStoreError } from "@mcp-task-store/core";
import type { DriverCallOptions, TaskDriver, TaskRecord, TaskStoreErrorCode } from "@mcp-task-store/core";
import { afterLook, answerInsert, answerRemove, apply, isVisible } from "@mcp-task-store/core/adapter";
import { loadedRow, toMs, unlessAborted } from "@mcp-task-store/core/adapter";
import { borrowEnvironment, CAPABILITIES, indexKeys, listOf } from "./lmdb-environment.ts";
import { lmdbMessages } from "./lmdb-messages.ts";

type Options = DriverCallOptions | undefined;

/** A driver over a directory on a local disk, for any number of processes of one machine. */
export function createLmdbDriver(path: string): TaskDriver {
  const { root, rows, queues, index, giveBack } = borrowEnvironment(path);
  let closed = false;

  function enter(options: Options): void {
    if (closed) throw new TaskStoreError("CLOSED", "The driver is closed.");
    if (options?.signal?.aborted === true) throw new TaskStoreError("STORE_UNAVAILABLE", "The call was given up.");
  }

  /**
   * One transaction: LMDB runs one at a time, whichever process asks. The clock is read under its lock.
   * @param lost what the error is when it has begun, and nobody knows how it ended
   */
  async function step<T>(options: Options, lost: TaskStoreErrorCode, body: (nowUs: number) => T): Promise<T> {
    enter(options);
    let began = false;
    const committed = root.childTransaction(() => {
      enter(options);
      began = true;
      // Above all readings that were kept, even if somebody has set the machine's clock back.
      return body(Math.max((root.get("clock") ?? 0) + 1, Date.now() * 1_000));
    });
    try {
      return await unlessAborted(committed, options?.signal);
    } catch (cause) {
      if (isTaskStoreError(cause)) throw cause;
      // What has not begun never will: when its turn comes, `enter` sees that it was given up.
      throw new TaskStoreError(began ? lost : "STORE_UNAVAILABLE", "LMDB did not carry this out.", { cause });
    }
  }

  function look<T>(options: Options, body: (nowUs: number) => T): Promise<T> {
    return step(options, "STORE_UNAVAILABLE", body);
  }

  /** A step that decides something keeps its reading of the clock. */
  function change<T>(options: Options, body: (nowUs: number) => T): Promise<T> {
    return step(options, "WRITE_OUTCOME_UNKNOWN", (nowUs) => {
      root.putSync("clock", nowUs);
      return body(nowUs);
    });
  }

  /** The visible ones among some rows. To hide one is a decision, too: what was seen to be gone stays so. */
  function* visible(taskIds: Iterable<string>, nowUs: number): Generator<TaskRecord> {
    for (const taskId of taskIds) {
      const row = rows.get(taskId);
      if (row !== undefined && isVisible(row, nowUs)) yield row;
      else if (row !== undefined) root.putSync("clock", nowUs);
    }
  }

  /** Puts a row in the place of another, with its entries in the index. Messages stay if it is the same task. */
  function replace(taskId: string, before: TaskRecord | undefined, after: TaskRecord | undefined): void {
    for (const key of indexKeys(before)) index.removeSync(key);
    for (const key of indexKeys(after)) index.putSync(key, taskId);
    if (before?.createId !== after?.createId) queues.removeSync(taskId);
    if (after === undefined) rows.removeSync(taskId);
    else rows.putSync(taskId, after);
  }

  return {
    name: "lmdb",
    capabilities: CAPABILITIES,
    setup: async (options) => enter(options),
    insert: (insert, options) =>
      change(options, (nowUs) => {
        const before = rows.get(insert.taskId);
        const answer = answerInsert(before, insert, nowUs);
        if (answer.kind === "late") return answer;
        if (answer.row !== before) replace(insert.taskId, before, answer.row);
        return { ...answer, row: loadedRow(answer.row) };
      }),
    read: (taskIds, options) =>
      look(options, (nowUs) => {
        const found = [...visible(new Set(taskIds), nowUs)];
        return { rows: found.map((row) => loadedRow(row, options)), nowUs };
      }),
    write: (write, options) =>
      change(options, (nowUs) => {
        const before = rows.get(write.taskId);
        const answer = apply(before, write, nowUs);
        if (answer.kind === "gone") return answer;
        if (answer.row !== before) replace(write.taskId, before, answer.row);
        return { ...answer, row: loadedRow(answer.row) };
      }),
    remove: (remove, options) =>
      change(options, (nowUs) => {
        const before = rows.get(remove.taskId);
        const answer = answerRemove(before, remove, nowUs);
        if (answer === "removed") replace(remove.taskId, before, undefined);
        return answer;
      }),
    page: ({ scope, after, status, limit }, options) =>
      look(options, (nowUs) => {
        const end = listOf(scope);
        const start = after === undefined ? [...end, Infinity] : [...end, after.createdAt, after.taskId];
        const listed = index.getRange({ start, end, reverse: true, exclusiveStart: true }).map(({ value }) => value);
        const found: TaskRecord[] = [];
        for (const row of visible(listed, nowUs)) {
          if (status?.includes(row.status) ?? true) found.push(loadedRow(row));
          if (found.length === limit) break;
        }
        return { rows: found, nowUs };
      }),
    due: (limit, holdMs, options) =>
      look(options, (nowUs) => {
        root.putSync("clock", nowUs);
        const range = { start: ["due"], end: ["due", toMs(nowUs) + 1], limit: limit + 1 };
        const due = [...index.getRange(range)].flatMap(({ value }) => rows.get(value) ?? []);
        const looks = due.slice(0, limit).map((row) => ({ row, look: afterLook(row, nowUs, holdMs) }));
        const held = looks.flatMap(({ row, look }) => {
          const after = look.kind === "purge" ? undefined : { ...row, dueAt: look.dueAt };
          replace(row.taskId, row, after);
          return look.kind === "work" && after !== undefined ? loadedRow(after) : [];
        });
        const purged = looks.flatMap(({ row, look }) => (look.kind === "purge" ? row.taskId : []));
        return { rows: held, purged, more: due.length > limit, nowUs };
      }),
    messages: lmdbMessages({ change, rows, queues, replace }),
    async close() {
      if (closed) return;
      closed = true;
      await giveBack();
    },
  };
}
