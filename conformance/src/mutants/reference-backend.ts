import type {
  DriverCapabilities,
  DriverMessages,
  DueAnswer,
  HintListener,
  Insert,
  InsertAnswer,
  PageQuery,
  ReadAnswer,
  TaskDriver,
  TaskRecord,
  Write,
  WriteAnswer,
} from "@mcp-task-store/core";
import { TaskStoreError } from "@mcp-task-store/core";
import { MessageQueue, pushMessage, takeMessages } from "@mcp-task-store/core/message-queue";
import { afterLook, apply, born, isVisible } from "@mcp-task-store/core/transitions";
import { trueEpochMs } from "../wall-clock.ts";
import { comparePositions } from "../driver-model/listing.ts";

export const CAPABILITIES: DriverCapabilities = {
  durable: true,
  multiProcess: true,
  pushHints: true,
  messages: true,
  listing: true,
  maxPayloadBytes: 16_777_216,
};

/**
 * A correct backend in a Map, for mutants to plant their faults in. Each driver is like another process on it. It
 * looks through all rows where a real one has an index.
 */
export class ReferenceBackend {
  /** As stored: mutants change rows behind the drivers' backs. */
  readonly rows: Map<string, TaskRecord> = new Map();
  /** The messages of each row, by its createId. */
  readonly queues: Map<string, MessageQueue> = new Map();
  readonly #listeners = new Set<HintListener>();
  readonly #restarts: (() => void)[] = [];
  #generation = 0;
  #lastUs = 0;
  #setBackMs = 0;

  /** Epoch µs, each reading later than the one before. */
  nowUs(): number {
    this.#lastUs = Math.max(this.#lastUs + 1, Math.floor(this.sourceMs() * 1_000));
    return this.#lastUs;
  }

  /** Epoch ms, as the clock of this machine says, whatever it said before. */
  sourceMs(): number {
    return trueEpochMs() - this.#setBackMs;
  }

  setBack(ms: number): void {
    this.#setBackMs += ms;
  }

  nowMs(): number {
    return Math.floor(this.nowUs() / 1_000);
  }

  /** Changes a row past every guard, if it is there. */
  patch(taskId: string, change: (row: TaskRecord) => Partial<TaskRecord>): void {
    const row = this.rows.get(taskId);
    if (row !== undefined) this.rows.set(taskId, { ...row, ...change(row) });
  }

  /** The messages of the task that has this id now; of none, where there is no row. */
  queueOf(taskId: string): MessageQueue {
    const createId = this.rows.get(taskId)?.createId;
    if (createId === undefined) return new MessageQueue();
    const queue = this.queues.get(createId) ?? new MessageQueue();
    this.queues.set(createId, queue);
    return queue;
  }

  /** Every driver opened before is dead; the rows stay. */
  restart(): void {
    this.#generation += 1;
    this.#listeners.clear();
    for (const listener of this.#restarts) listener();
  }

  /** What a mutant forgets at a hard stop. */
  onRestart(listener: () => void): void {
    this.#restarts.push(listener);
  }

  driver(): TaskDriver {
    const generation = this.#generation;
    const mine = new Set<HintListener>();
    const alive = (): void => {
      if (generation !== this.#generation) throw new TaskStoreError("STORE_UNAVAILABLE", "The backend was restarted.");
    };
    const call = async <T>(effect: () => T): Promise<T> => {
      alive();
      await turns();
      const answer = effect();
      await turns();
      return answer;
    };
    return {
      name: "reference",
      capabilities: CAPABILITIES,
      setup: async () => alive(),
      insert: (insert) => call(() => this.#insert(insert)),
      read: (ids, options) => call(() => this.#read(ids, options?.request === true, options?.outcome === true)),
      write: (write) => call(() => this.#write(write)),
      remove: ({ taskId, scope, notAfterUs }) => call(() => this.#remove(taskId, scope, notAfterUs)),
      page: (query) => call(() => this.#page(query)),
      due: (limit, holdMs) => call(() => this.#due(limit, holdMs)),
      messages: this.#messages(call),
      close: async () => {
        for (const listener of mine) this.#listeners.delete(listener);
      },
      hints: {
        publish: async (ids) => {
          alive();
          for (const listener of this.#listeners) queueMicrotask(() => listener.onHint(ids));
        },
        subscribe: async (listener) => {
          alive();
          mine.add(listener);
          this.#listeners.add(listener);
          return async () => void this.#listeners.delete(listener);
        },
      },
    };
  }

  #messages(call: <T>(effect: () => T) => Promise<T>): DriverMessages {
    return {
      push: (push) =>
        call(() => {
          const { taskId } = push;
          const { answer, row } = pushMessage(this.rows.get(taskId), this.queueOf(taskId), push, this.nowUs());
          if (row !== undefined) this.rows.set(taskId, row);
          return answer;
        }),
      take: (take) =>
        call(() => takeMessages(this.rows.get(take.taskId), this.queueOf(take.taskId), take, this.nowUs())),
    };
  }

  #insert(insert: Insert): InsertAnswer {
    const nowUs = this.nowUs();
    const old = this.rows.get(insert.taskId);
    if (old !== undefined && isVisible(old, nowUs)) {
      return { kind: old.createId === insert.createId ? "inserted" : "exists", row: bare(old), nowUs };
    }
    if (nowUs > insert.notAfterUs) return { kind: "late", nowUs };
    const row = born(insert, nowUs);
    this.rows.set(insert.taskId, row);
    return { kind: "inserted", row: bare(row), nowUs };
  }

  #read(taskIds: readonly string[], request: boolean, outcome: boolean): ReadAnswer {
    const nowUs = this.nowUs();
    const rows = [...new Set(taskIds)].flatMap((taskId) => {
      const row = this.rows.get(taskId);
      if (row === undefined || !isVisible(row, nowUs)) return [];
      const parts = {
        ...(request ? { request: row.request ?? null } : {}),
        ...(outcome ? { outcome: row.outcome ?? null } : {}),
      };
      return [{ ...bare(row), ...parts }];
    });
    return { rows, nowUs };
  }

  #write(write: Write): WriteAnswer {
    const answer = apply(this.rows.get(write.taskId), write, this.nowUs());
    if (answer.kind === "gone") return answer;
    if (answer.kind === "written") this.rows.set(write.taskId, answer.row);
    return { ...answer, row: bare(answer.row) };
  }

  #remove(taskId: string, scope: string | null | undefined, notAfterUs: number): "removed" | "gone" | "late" {
    const nowUs = this.nowUs();
    const row = this.rows.get(taskId);
    if (row === undefined || !isVisible(row, nowUs) || (scope !== undefined && row.scope !== scope)) return "gone";
    if (nowUs > notAfterUs) return "late";
    this.rows.delete(taskId);
    return "removed";
  }

  #page({ scope, status, after, limit }: PageQuery): ReadAnswer {
    const nowUs = this.nowUs();
    const rows = [...this.rows.values()].filter(
      (row) =>
        isVisible(row, nowUs) &&
        (scope === undefined || row.scope === scope) &&
        (status === undefined || status.includes(row.status)) &&
        (after === undefined || comparePositions(after, row) < 0),
    );
    return { rows: rows.sort(comparePositions).slice(0, limit).map(bare), nowUs };
  }

  /** All rows, expired ones too, as listings show them. */
  inOrder(): readonly TaskRecord[] {
    return [...this.rows.values()].sort(comparePositions);
  }

  #due(limit: number, holdMs: number): DueAnswer {
    const nowUs = this.nowUs();
    const nowMs = Math.floor(nowUs / 1_000);
    const due = [...this.rows.values()].filter((row) => row.dueAt !== null && row.dueAt <= nowMs);
    const rows: TaskRecord[] = [];
    const purged: string[] = [];
    for (const row of due.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0)).slice(0, limit)) {
      const look = afterLook(row, nowUs, holdMs);
      if (look.kind === "purge") {
        this.rows.delete(row.taskId);
        purged.push(row.taskId);
        continue;
      }
      this.rows.set(row.taskId, { ...row, dueAt: look.dueAt });
      if (look.kind === "work") rows.push(bare({ ...row, dueAt: look.dueAt }));
    }
    return { rows, purged, more: due.length > limit, nowUs };
  }
}

/** The way to the backend and back: without it a fault between two calls would have no room to show. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await Promise.resolve();
}

/** A copy without the parts that are read on demand only. */
function bare(row: TaskRecord): TaskRecord {
  const { request: _request, outcome: _outcome, ...rest } = row;
  return { ...rest, ring: row.ring.map((entry) => ({ ...entry })), lease: row.lease && { ...row.lease } };
}
