import { closedError } from "./call.ts";
import type { Scope } from "./engine.ts";
import { isTaskStoreError } from "./errors.ts";
import { onAbort } from "./on-abort.ts";
import { isTerminal, type Task } from "./task.ts";
import { taskView } from "./task-view.ts";
import type { WaiterHub } from "./waiters.ts";

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

interface Pending {
  readonly resolve: (result: IteratorResult<Task, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Follows many tasks at once: per task the state at the first `next()`, then its latest state whenever that changed.
 * Unread states of a task are replaced by newer ones, so a slow reader costs one item per task, and the terminal state
 * is never dropped.
 */
export class TaskWatch implements AsyncIterableIterator<Task, undefined> {
  readonly #hub: WaiterHub;
  readonly #scope: Scope;
  readonly #taskIds: readonly string[];
  readonly #signal: AbortSignal | undefined;
  /** One for each task that is followed: Node 20 takes more than ten listeners of one signal for a leak. */
  readonly #stops = new Set<AbortController>();
  #stopListening: (() => void) | undefined;
  /** The latest unread state of each task, oldest change first. */
  readonly #unread = new Map<string, Task>();
  readonly #pending: Pending[] = [];
  #following = 0;
  #started = false;
  #returned = false;
  #failure: Error | undefined;

  constructor(hub: WaiterHub, scope: Scope, taskIds: readonly string[], signal?: AbortSignal) {
    this.#hub = hub;
    this.#scope = scope;
    this.#taskIds = [...new Set(taskIds)];
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Task, undefined>> {
    if (this.#returned) return DONE;
    this.#start();
    return await new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.#serve();
    });
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#returned = true;
    this.#unread.clear();
    this.#end();
    for (const waiting of this.#pending.splice(0)) waiting.resolve(DONE);
    return DONE;
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#stopListening = this.#signal && onAbort(this.#signal, () => this.#stop());
    this.#following = this.#taskIds.length;
    for (const taskId of this.#taskIds) void this.#follow(taskId);
  }

  async #follow(taskId: string): Promise<void> {
    const stop = new AbortController();
    this.#stops.add(stop);
    if (this.#signal?.aborted === true) stop.abort();
    let since = -1;
    try {
      for (;;) {
        const options = { signal: stop.signal, hasSeen: since !== -1 };
        const row = await this.#hub.wait(taskId, this.#scope, ({ revision }) => revision !== since, options);
        if (row === undefined) break;
        if (this.#returned) return;
        since = row.revision;
        // A task read again goes to the back: items keep the order in which their states arose.
        this.#unread.delete(taskId);
        this.#unread.set(taskId, taskView(row));
        this.#serve();
        if (isTerminal(row.status)) break;
      }
    } catch (error) {
      if (!isTaskStoreError(error, "TASK_NOT_FOUND")) this.#fail(error instanceof Error ? error : closedError());
    }
    this.#stops.delete(stop);
    this.#following -= 1;
    this.#serve();
  }

  #stop(): void {
    for (const stop of this.#stops) stop.abort();
  }

  #fail(error: Error): void {
    if (this.#returned) return;
    this.#failure ??= error;
    this.#end();
  }

  #end(): void {
    this.#stop();
    this.#stopListening?.();
  }

  #serve(): void {
    for (const [taskId, task] of this.#unread) {
      const waiting = this.#pending.shift();
      if (waiting === undefined) return;
      this.#unread.delete(taskId);
      waiting.resolve({ done: false, value: task });
    }
    if (this.#failure !== undefined) {
      for (const waiting of this.#pending.splice(0)) waiting.reject(this.#failure);
    } else if (this.#following === 0) {
      this.#end();
      for (const waiting of this.#pending.splice(0)) waiting.resolve(DONE);
    }
  }
}
