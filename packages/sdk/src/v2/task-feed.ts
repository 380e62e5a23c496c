import { isTaskStoreError, isTerminal, type JsonObject, type ScopedTaskStore, type Task } from "@mcp-task-store/core";
import type { JSONRPCNotification, RequestId } from "@modelcontextprotocol/server";
import { taskNotification } from "./listen-messages.ts";

export interface TaskFeedOptions {
  /** The store as the subscriber sees it. */
  readonly view: ScopedTaskStore;
  readonly taskIds: readonly string[];
  readonly subscriptionId: RequestId;
  /** Makes of a task, loaded with its outcome, what `tasks/get` would say. */
  readonly toWire: (task: Task) => JsonObject;
}

/**
 * What a subscription says of its tasks, one notification at a time and only when asked: the present of each, then its
 * latest state whenever that changed. What nobody asks for is replaced by what is newer, so a subscriber that does not
 * read costs one state a task.
 */
export class TaskFeed {
  readonly #options: TaskFeedOptions;
  readonly #stop = new AbortController();
  readonly #tasks: AsyncIterator<Task>;

  constructor(options: TaskFeedOptions) {
    this.#options = options;
    const { view, taskIds } = options;
    this.#tasks = view.watchTasks(taskIds, { signal: this.#stop.signal })[Symbol.asyncIterator]();
  }

  /**
   * undefined: all tasks are terminal or gone, or the feed was stopped. One call at a time.
   * @throws TaskStoreError when the store cannot go on; an outage is waited through
   */
  async next(): Promise<JSONRPCNotification | undefined> {
    try {
      for (;;) {
        const item = await this.#tasks.next();
        if (item.done === true) return undefined;
        const task = await this.#withOutcome(item.value);
        if (task !== undefined) return taskNotification(this.#options.subscriptionId, this.#options.toWire(task));
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return undefined;
      throw error;
    }
  }

  /** Ends it at once: nothing is waited for any longer. */
  stop(): void {
    this.#stop.abort();
  }

  /** A watch brings no outcomes. A terminal task does not change, so its own can be added. undefined: gone meanwhile. */
  async #withOutcome(task: Task): Promise<Task | undefined> {
    if (!isTerminal(task.status)) return task;
    try {
      const outcome = await this.#options.view.waitForOutcome(task.taskId, { signal: this.#stop.signal });
      return outcome && { ...task, outcome };
    } catch (error) {
      if (isTaskStoreError(error, "TASK_NOT_FOUND")) return undefined;
      throw error;
    }
  }
}
