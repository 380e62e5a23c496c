import { randomBytes } from "node:crypto";
import { Mutex } from "./mutex.ts";
import { isVisible, type StoredTask } from "./stored-task.ts";

/**
 * The tasks of one "server": one Map behind one mutex. Stores on the same backend are to each other what processes on
 * one database are.
 */
export class IndependentBackend {
  /** In the order of their creation. Expired tasks are in it until maintenance comes. */
  readonly tasks: Map<string, StoredTask> = new Map();
  /** Signs cursors. As long-lived as the tasks. */
  readonly secret: Buffer = randomBytes(32);
  readonly #mutex = new Mutex();
  readonly #epochMs: () => number;
  readonly #listeners = new Map<string, Set<() => void>>();
  #now = 0;
  #count = 0;

  /** @param epochMs the clock; by default one that a change of the system time does not move */
  constructor(epochMs: () => number = () => performance.timeOrigin + performance.now()) {
    this.#epochMs = epochMs;
  }

  /**
   * Every call of every store is one such step, and nothing else touches the tasks: what a step saw stays so until it has
   * written. It is given the time, in whole ms, which never falls back.
   */
  async step<T>(body: (now: number) => T): Promise<T> {
    return await this.#mutex.run(() => {
      this.#now = Math.max(this.#now, Math.floor(this.#epochMs()));
      return body(this.#now);
    });
  }

  /** A number greater than all before: for revisions, tokens and the order of tasks. Within a step only. */
  next(): number {
    this.#count += 1;
    return this.#count;
  }

  /** The task that is there for somebody. `principal` undefined: for trusted code. Within a step only. */
  find(taskId: string, principal: string | null | undefined, now: number): StoredTask | undefined {
    const task = this.tasks.get(taskId);
    if (task === undefined || !isVisible(task, now)) return undefined;
    return principal === undefined || task.principal === principal ? task : undefined;
  }

  /** Says that something of the task is new, and wakes who waits for it. Within a step only. */
  changed(task: StoredTask, now: number): void {
    task.revision = this.next();
    task.lastUpdatedAt = now;
    this.wake(task.taskId);
  }

  /** Takes a task out with all that belongs to it. Within a step only. */
  remove(task: StoredTask): void {
    this.tasks.delete(task.taskId);
    this.wake(task.taskId);
  }

  wake(taskId: string): void {
    for (const listener of this.#listeners.get(taskId) ?? []) listener();
  }

  /** Calls back after each change of one of the tasks, until what is returned is called. */
  listen(taskIds: readonly string[], listener: (taskId: string) => void): () => void {
    const ends = taskIds.map((taskId) => {
      const listeners = this.#listeners.get(taskId) ?? new Set();
      this.#listeners.set(taskId, listeners);
      const own = (): void => listener(taskId);
      listeners.add(own);
      return () => {
        listeners.delete(own);
        if (listeners.size === 0 && this.#listeners.get(taskId) === listeners) this.#listeners.delete(taskId);
      };
    });
    return () => {
      for (const end of ends) end();
    };
  }
}
