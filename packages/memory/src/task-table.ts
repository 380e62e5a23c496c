import type {
  DueAnswer,
  Insert,
  InsertAnswer,
  MessagePush,
  MessageTake,
  PageQuery,
  PushAnswer,
  ReadAnswer,
  Remove,
  TakeAnswer,
  TaskRecord,
  Write,
  WriteAnswer,
} from "@mcp-task-store/core";
import {
  afterLook,
  answerInsert,
  answerRemove,
  apply,
  isVisible,
  loadedRow,
  MessageQueue,
  pushMessage,
  takeMessages,
  toMs,
} from "@mcp-task-store/core/adapter";
import type { BackendClock } from "./backend-clock.ts";
import { DueQueue } from "./due-queue.ts";
import type { DueItem } from "./due-queue.ts";
import { ListingIndex } from "./listing-index.ts";

/** Where a task is kept: its place in the indexes stays the same over all its writes. */
interface Slot extends DueItem {
  readonly taskId: string;
  readonly createdAt: number;
  readonly scope: string | null;
  row: TaskRecord;
  /** undefined: nobody asked for its messages yet. */
  messages: MessageQueue | undefined;
}

/** Which of a row's large fields an answer carries. */
interface Loaded {
  readonly request?: boolean;
  readonly outcome?: boolean;
}

/**
 * All tasks of a backend and their indexes. Each method is one atomic step, since it never waits, and reads the clock
 * exactly once. Stored rows are replaced, never edited; rows that go out are frozen.
 */
export class TaskTable {
  readonly #clock: BackendClock;
  readonly #slots = new Map<string, Slot>();
  readonly #due = new DueQueue<Slot>();
  readonly #all = new ListingIndex<Slot>();
  readonly #byScope = new Map<string | null, ListingIndex<Slot>>();

  constructor(clock: BackendClock) {
    this.#clock = clock;
  }

  /** Tasks held, expired ones that were not purged yet included. */
  get size(): number {
    return this.#slots.size;
  }

  insert(insert: Insert): InsertAnswer {
    const present = this.#slots.get(insert.taskId);
    const answer = answerInsert(present?.row, insert, this.#clock.read());
    if (answer.kind === "late") return answer;
    if (answer.row !== present?.row) {
      if (present !== undefined) this.#delete(present);
      this.#add(frozen(answer.row));
    }
    return { ...answer, row: outgoing(answer.row, {}) };
  }

  read(taskIds: readonly string[], loaded: Loaded): ReadAnswer {
    const nowUs = this.#clock.read();
    const rows: TaskRecord[] = [];
    for (const taskId of new Set(taskIds)) {
      const row = this.#slots.get(taskId)?.row;
      if (row !== undefined && isVisible(row, nowUs)) rows.push(outgoing(row, loaded));
    }
    return { rows, nowUs };
  }

  write(write: Write): WriteAnswer {
    const slot = this.#slots.get(write.taskId);
    const answer = apply(slot?.row, write, this.#clock.read());
    if (answer.kind === "gone") return answer;
    if (answer.kind === "written" && slot !== undefined) this.#store(slot, answer.row);
    return { kind: answer.kind, row: outgoing(answer.row, {}), nowUs: answer.nowUs };
  }

  remove(remove: Remove): "removed" | "gone" | "late" {
    const slot = this.#slots.get(remove.taskId);
    const answer = answerRemove(slot?.row, remove, this.#clock.read());
    if (answer === "removed" && slot !== undefined) this.#delete(slot);
    return answer;
  }

  /** Costs what lies between `after` and the last row found; a `status` filter walks over the rows it leaves out. */
  page(query: PageQuery): ReadAnswer {
    const nowUs = this.#clock.read();
    const index = query.scope === undefined ? this.#all : this.#byScope.get(query.scope);
    const rows: TaskRecord[] = [];
    const expired: Slot[] = [];
    for (const slot of index?.behind(query.after) ?? []) {
      if (!isVisible(slot.row, nowUs)) expired.push(slot);
      else if (query.status?.includes(slot.row.status) ?? true) rows.push(outgoing(slot.row, {}));
      if (rows.length >= query.limit) break;
    }
    // An expired row never comes back: no later page need walk over it. It stays in the table until maintenance.
    for (const slot of expired) this.#unlist(slot);
    return { rows, nowUs };
  }

  due(limit: number, holdMs: number): DueAnswer {
    const nowUs = this.#clock.read();
    const slots: Slot[] = [];
    while (slots.length < limit) {
      const slot = this.#firstDue(nowUs);
      if (slot === undefined) break;
      this.#due.remove(slot);
      slots.push(slot);
    }
    // Decided before the rows come back: with holdMs 0 they would be due again at once.
    const more = this.#firstDue(nowUs) !== undefined;
    const rows: TaskRecord[] = [];
    const purged: string[] = [];
    for (const slot of slots) {
      const look = afterLook(slot.row, nowUs, holdMs);
      if (look.kind === "purge") {
        this.#delete(slot);
        purged.push(slot.taskId);
        continue;
      }
      this.#store(slot, { ...slot.row, dueAt: look.dueAt });
      if (look.kind === "work") rows.push(outgoing(slot.row, {}));
    }
    return { rows, purged, more, nowUs };
  }

  push(push: MessagePush): PushAnswer {
    const slot = this.#slots.get(push.taskId);
    const { answer, row } = pushMessage(slot?.row, messagesOf(slot), push, this.#clock.read());
    if (row !== undefined && slot !== undefined) this.#store(slot, row);
    return answer;
  }

  take(take: MessageTake): TakeAnswer {
    const slot = this.#slots.get(take.taskId);
    return takeMessages(slot?.row, messagesOf(slot), take, this.#clock.read());
  }

  #firstDue(nowUs: number): Slot | undefined {
    const first = this.#due.first();
    return first === undefined || first.dueAt === null || first.dueAt > toMs(nowUs) ? undefined : first;
  }

  #add(row: TaskRecord): void {
    const { taskId, createdAt, scope } = row;
    const slot: Slot = { taskId, createdAt, scope, row, messages: undefined, dueAt: null, place: -1 };
    this.#slots.set(taskId, slot);
    this.#all.add(slot);
    let own = this.#byScope.get(scope);
    if (own === undefined) {
      own = new ListingIndex();
      this.#byScope.set(scope, own);
    }
    own.add(slot);
    this.#due.set(slot, row.dueAt);
  }

  #store(slot: Slot, row: TaskRecord): void {
    // The same row: a repeated write was answered from the ring.
    if (row === slot.row) return;
    slot.row = frozen(row);
    this.#due.set(slot, row.dueAt);
  }

  #delete(slot: Slot): void {
    this.#slots.delete(slot.taskId);
    this.#due.remove(slot);
    this.#unlist(slot);
  }

  #unlist(slot: Slot): void {
    this.#all.remove(slot);
    const own = this.#byScope.get(slot.scope);
    if (own === undefined) return;
    own.remove(slot);
    if (own.size === 0) this.#byScope.delete(slot.scope);
  }
}

/** A task's messages, which go with its slot; those of no task are nobody's. */
function messagesOf(slot: Slot | undefined): MessageQueue {
  if (slot === undefined) return new MessageQueue();
  return (slot.messages ??= new MessageQueue());
}

/** Freezes a row of the table with all that hangs on it, so that answers can share its parts. */
function frozen(row: TaskRecord): TaskRecord {
  Object.freeze(row.ring);
  const newest = row.ring.at(-1);
  if (newest !== undefined) Object.freeze(newest);
  if (row.lease !== null) Object.freeze(row.lease);
  return Object.freeze(row);
}

/** What a caller gets: the large fields that it asked for; the others are absent, not undefined. */
function outgoing(row: TaskRecord, loaded: Loaded): TaskRecord {
  return Object.freeze(loadedRow(row, loaded));
}
