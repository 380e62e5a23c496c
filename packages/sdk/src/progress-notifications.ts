import { GrowingProgress, type ProgressReport } from "./growing-progress.ts";
import { pause } from "./pause.ts";
import type { ToolProgress } from "./tool-context.ts";

/** About four notifications a second, as a task's reports are about four writes. */
const INTERVAL_MS = 250;

/**
 * Any number of reports, and few notifications, which grow: one on its way, and behind it the latest report, which is
 * all that is kept for a client that does not read.
 */
export class ProgressNotifications {
  readonly #send: (progress: ToolProgress) => Promise<void>;
  readonly #growing = new GrowingProgress();
  #latest: ProgressReport | undefined;
  #running: Promise<void> | undefined;
  /** Fires at the end: what is left goes out at once. */
  readonly #hurry = new AbortController();
  #nextMs = 0;

  /** @param send writes one notification; never rejects */
  constructor(send: (progress: ToolProgress) => Promise<void>) {
    this.#send = send;
  }

  /** Takes the place of what has not left yet. After the end it does nothing. */
  report(report: ProgressReport): void {
    if (this.#hurry.signal.aborted || !this.#growing.takes(report)) return;
    this.#latest = report;
    this.#running ??= this.#run();
  }

  /** Sends the latest report without further pause, and then nothing more. Resolves when it has left. */
  async end(): Promise<void> {
    this.#hurry.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#latest !== undefined) {
      const delayMs = this.#nextMs - performance.now();
      // Reports of one turn are one, also without a pause.
      await (delayMs > 0 ? pause(delayMs, this.#hurry.signal) : undefined);
      const report = this.#latest;
      this.#latest = undefined;
      this.#nextMs = performance.now() + INTERVAL_MS;
      await this.#send(this.#growing.numbered(report));
    }
    this.#running = undefined;
  }
}
