import type { Task } from "@mcp-task-store/core";
import { refuse } from "./checks.ts";
import { aborted, type Handle, type Reach } from "./handle.ts";
import { isOpen, shownTask } from "./stored-task.ts";
import { Bell } from "./waiting.ts";

const MOST_IDS = 10_000;

export function watchTasks(
  handle: Handle,
  reach: Reach,
  taskIds: readonly string[],
  signal: AbortSignal | undefined,
): AsyncIterable<Task> {
  if (!Array.isArray(taskIds) || taskIds.length > MOST_IDS) refuse("taskIds", `an array of at most ${MOST_IDS} ids`);
  const ids = [...new Set(taskIds)];
  return { [Symbol.asyncIterator]: () => new Watch(handle, reach, ids, signal) };
}

interface Watched {
  /** Of the item that was given last. */
  revision: number | undefined;
  /** When it will be gone; by the clock of this process, ms. */
  goneAt: number;
}

class Watch implements AsyncIterator<Task, undefined> {
  readonly #handle: Handle;
  readonly #reach: Reach;
  readonly #signal: AbortSignal | undefined;
  /** Those of which more may come. */
  readonly #watched: Map<string, Watched>;
  /** Those of them that have to be looked at, in the order in which they changed. */
  readonly #changed: Set<string>;
  readonly #bell = new Bell();
  readonly #mute: () => void;
  /** The call of `next` before; they are served in their order. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(handle: Handle, reach: Reach, taskIds: readonly string[], signal: AbortSignal | undefined) {
    this.#handle = handle;
    this.#reach = reach;
    this.#signal = signal;
    this.#watched = new Map(taskIds.map((taskId) => [taskId, { revision: undefined, goneAt: Infinity }]));
    this.#changed = new Set(taskIds);
    this.#mute = handle.backend.listen(taskIds, (taskId) => {
      this.#changed.add(taskId);
      this.#bell.ring();
    });
  }

  async next(): Promise<IteratorResult<Task, undefined>> {
    const turn = this.#last.then(() => this.#advance());
    this.#last = turn.catch(() => this.#end());
    return await turn;
  }

  /** Ends the watch; a `next` that waits is told so. */
  async return(): Promise<IteratorResult<Task, undefined>> {
    this.#end();
    return { done: true, value: undefined };
  }

  #end(): void {
    this.#mute();
    this.#watched.clear();
    this.#bell.ring();
  }

  async #advance(): Promise<IteratorResult<Task, undefined>> {
    while (this.#watched.size > 0) {
      this.#handle.throwIfClosed();
      if (this.#signal?.aborted === true) throw aborted(this.#signal);
      this.#bell.reset();
      const item = await this.#nextItem();
      if (item !== undefined) return { done: false, value: item };
      if (this.#changed.size > 0 || this.#watched.size === 0) continue;
      await this.#bell.heard(this.#untilExpiryMs(), [this.#signal, this.#handle.closing]);
      this.#expire();
    }
    this.#mute();
    return { done: true, value: undefined };
  }

  async #nextItem(): Promise<Task | undefined> {
    for (const taskId of this.#changed) {
      this.#changed.delete(taskId);
      const watched = this.#watched.get(taskId);
      if (watched === undefined) continue;
      const task = await this.#handle.call({ signal: this.#signal }, (now) => {
        const found = this.#handle.backend.find(taskId, this.#reach, now);
        if (found === undefined) return undefined;
        watched.goneAt = found.expiresAt === null ? Infinity : performance.now() + found.expiresAt - now;
        if (!isOpen(found)) this.#watched.delete(taskId);
        return shownTask(found);
      });
      if (task === undefined) this.#watched.delete(taskId);
      if (task === undefined || task.revision === watched.revision) continue;
      watched.revision = task.revision;
      return task;
    }
    return undefined;
  }

  #untilExpiryMs(): number {
    return Math.max(1, Math.min(...[...this.#watched.values()].map(({ goneAt }) => goneAt)) - performance.now());
  }

  #expire(): void {
    for (const [taskId, { goneAt }] of this.#watched) if (goneAt <= performance.now()) this.#changed.add(taskId);
  }
}
