import { settledWithin } from "./settled-within.ts";
import type { DriverHints } from "./task-driver.ts";

/**
 * Tells other processes what changed: after the commit, off the caller's path, one publication at a time, with all
 * ids that gathered meanwhile. A lost one costs at most a safety poll.
 */
export class HintPublisher {
  readonly #hints: DriverHints | undefined;
  readonly #timeoutMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #waiting = new Set<string>();
  #publishing: Promise<void> | undefined;

  constructor(hints: DriverHints | undefined, timeoutMs: number, onError: (error: unknown) => void) {
    this.#hints = hints;
    this.#timeoutMs = timeoutMs;
    this.#onError = onError;
  }

  add(taskIds: readonly string[]): void {
    if (this.#hints === undefined) return;
    for (const taskId of taskIds) this.#waiting.add(taskId);
    this.#publishing ??= this.#publish(this.#hints);
  }

  /** Resolves when everything handed over so far was published or given up. */
  async flush(): Promise<void> {
    await this.#publishing;
  }

  async #publish(hints: DriverHints): Promise<void> {
    // One turn later, so that writes answered together are told together.
    await Promise.resolve();
    while (this.#waiting.size > 0) {
      const taskIds = [...this.#waiting];
      this.#waiting.clear();
      try {
        const published = hints.publish(taskIds);
        published.catch(this.#onError);
        // One that hangs must not keep back all that come after it.
        if (!(await settledWithin(published, this.#timeoutMs)))
          this.#onError(new Error("A hint was not published in time."));
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#publishing = undefined;
  }
}
