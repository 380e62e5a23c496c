import { TaskStoreError } from "@mcp-task-store/core";
import type { CallOptions } from "@mcp-task-store/core";
import { HOUR_MS, optionalInteger } from "./checks.ts";
import type { IndependentBackend } from "./independent-backend.ts";
import type { Settings } from "./settings.ts";
import type { StoredTask } from "./stored-task.ts";

/** Whose tasks an operation reaches: a principal's, unowned ones (null), or all, for trusted code (undefined). */
export type Reach = string | null | undefined;

export function notFound(): TaskStoreError {
  return new TaskStoreError("TASK_NOT_FOUND", "There is no such task.");
}

export function aborted(signal: AbortSignal): TaskStoreError {
  return new TaskStoreError("ABORTED", "The call was aborted by its signal.", { cause: signal.reason });
}

/** One open store on a backend. */
export class Handle {
  readonly backend: IndependentBackend;
  readonly settings: Settings;
  readonly #closing = new AbortController();

  constructor(backend: IndependentBackend, settings: Settings) {
    this.backend = backend;
    this.settings = settings;
  }

  /** Fires when the store is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort();
  }

  throwIfClosed(): void {
    if (this.closing.aborted) throw new TaskStoreError("CLOSED", "The store is closed.");
  }

  /** One call: a step of the backend, unless it is given up before its turn. A step that began is done at once. */
  async call<T>(options: CallOptions | undefined, body: (now: number) => T): Promise<T> {
    const { signal, timeoutMs } = options ?? {};
    const allowedMs = optionalInteger("timeoutMs", timeoutMs, 1, HOUR_MS) ?? this.settings.callTimeoutMs;
    const sentAt = performance.now();
    this.throwIfClosed();
    if (signal?.aborted === true) throw aborted(signal);
    return await this.backend.step((now) => {
      if (signal?.aborted === true) throw aborted(signal);
      if (performance.now() - sentAt >= allowedMs) {
        throw new TaskStoreError("STORE_UNAVAILABLE", `The call had no turn within ${allowedMs} ms.`);
      }
      return body(now);
    });
  }

  /** A call about one task that must be there. */
  async onTask<T>(
    reach: Reach,
    taskId: string,
    options: CallOptions | undefined,
    body: (task: StoredTask, now: number) => T,
  ): Promise<T> {
    return await this.call(options, (now) => {
      const task = this.backend.find(taskId, reach, now);
      if (task === undefined) throw notFound();
      return body(task, now);
    });
  }
}
