import type { TaskRecord } from "./task-record.ts";

/** What is remembered of a row: which task it was, and how far that had come. */
export type SeenRow = Pick<TaskRecord, "createId" | "revision">;

/** Of so many tasks. Who was forgotten costs a round trip at most, and a lost answer its look-up. */
const MAX_ROWS = 4_096;

/**
 * The last row of each task that an answer brought to this process. A row that was seen before a write was sent is what
 * proves later, whatever any clock did, that the write has not landed: see `ringProves` in transitions.ts.
 */
export class SeenRows {
  readonly #rows = new Map<string, SeenRow>();

  of(taskId: string): SeenRow | undefined {
    return this.#rows.get(taskId);
  }

  note({ taskId, createId, revision }: TaskRecord): void {
    const known = this.#rows.get(taskId);
    // Answers overtake each other.
    if (known?.createId === createId && known.revision > revision) return;
    this.#rows.delete(taskId);
    this.#rows.set(taskId, { createId, revision });
    if (this.#rows.size <= MAX_ROWS) return;
    const [oldest] = this.#rows.keys();
    if (oldest !== undefined) this.#rows.delete(oldest);
  }

  /** The task is gone: what comes under its id is another one. */
  forget(taskId: string): void {
    this.#rows.delete(taskId);
  }

  noteAll(rows: readonly TaskRecord[]): void {
    for (const row of rows) this.note(row);
  }
}
