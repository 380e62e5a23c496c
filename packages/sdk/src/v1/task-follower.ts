import {
  isTaskStoreError,
  isTerminal,
  RELATED_TASK_METADATA_KEY,
  type ScopedTaskStore,
  type Task,
} from "@mcp-task-store/core";
import type { JSONRPCNotification, ProgressToken } from "@modelcontextprotocol/sdk/types.js";
import { GrowingProgress } from "../growing-progress.ts";
import { pause } from "../pause.ts";
import { progressOf } from "../progress-message.ts";
import { wireTask } from "./wire-task.ts";

const RETRY_MS = 1_000;

/** Sends to the client, on whatever stream there is for this task. */
export type Notify = (taskId: string, notification: JSONRPCNotification) => Promise<void>;

/**
 * Tells the client that made a task how it goes, whichever process works on it: its status, and progress under the
 * original token until the task ends (S-15, S-46, S-48, S-49). What is reported in quick succession may be skipped.
 */
export class TaskFollower {
  readonly #progress = new GrowingProgress();
  readonly #progressToken: ProgressToken | undefined;
  readonly #notify: Notify;
  readonly #over = new AbortController();
  #task: Task;
  /** One after the other: what is on its way is not overtaken. */
  #telling: Promise<void> = Promise.resolve();

  constructor(task: Task, progressToken: ProgressToken | undefined, notify: Notify) {
    this.#task = task;
    this.#progressToken = progressToken;
    this.#notify = notify;
  }

  /** Until the task ended, is gone, or {@link stop}. @throws what the store throws, outages aside */
  async follow(view: ScopedTaskStore): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        const { taskId, revision: since } = this.#task;
        const task = await view.waitForUpdate(taskId, { since, signal });
        if (task !== undefined) await this.tell(task);
      } catch (error) {
        if (signal.aborted || isTaskStoreError(error, "TASK_NOT_FOUND")) return;
        if (!isTaskStoreError(error, "STORE_UNAVAILABLE")) throw error;
        await pause(RETRY_MS, signal);
      }
    }
  }

  /** Nobody listens any more. */
  stop(): void {
    this.#over.abort();
  }

  /** Tells of a state, after all that was told before; of an end once, and of nothing after it. */
  async tell(task: Task): Promise<void> {
    const isEnd = isTerminal(task.status);
    const isTold = this.#over.signal.aborted;
    // At once: what waits for its turn is older than the end.
    if (isEnd) this.#over.abort();
    if (!isTold) this.#telling = this.#tellAfter(this.#telling, task, isEnd);
    await this.#telling;
  }

  async #tellAfter(before: Promise<void>, task: Task, isEnd: boolean): Promise<void> {
    await before;
    if (!isEnd && this.#over.signal.aborted) return;
    const { status, statusMessage } = this.#task;
    const isNews = task.status !== status || task.statusMessage !== statusMessage;
    this.#task = task;
    if (!isEnd && task.statusMessage !== undefined && task.statusMessage !== statusMessage) {
      await this.#tellProgress(task.taskId, task.statusMessage);
    }
    if (!isNews || (!isEnd && this.#over.signal.aborted)) return;
    const params = { ...wireTask(task) };
    await this.#notify(task.taskId, { jsonrpc: "2.0", method: "notifications/tasks/status", params });
  }

  async #tellProgress(taskId: string, message: string): Promise<void> {
    const progressToken = this.#progressToken;
    if (progressToken === undefined) return;
    const amount = progressOf(message);
    const report = amount ?? { message };
    if (!this.#progress.takes(report)) return;
    const _meta = { [RELATED_TASK_METADATA_KEY]: { taskId } };
    const params = { ...this.#progress.numbered(report), progressToken, _meta };
    await this.#notify(taskId, { jsonrpc: "2.0", method: "notifications/progress", params });
  }
}
