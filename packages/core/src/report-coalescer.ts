import { isTransient } from "./retry-while-leased.ts";
import { Resolver } from "./resolver.ts";
import { sleep } from "./sleep.ts";
import type { Task } from "./task.ts";
import type { TaskChange } from "./task-store.ts";

/** About four writes a second, however often a handler reports. */
const INTERVAL_MS = 250;
const LONGEST_PAUSE_MS = 2_000;

/** Reports that go out as one write. */
interface Batch {
  change: TaskChange;
  readonly reports: Resolver<Task>[];
  /** Something waits for it: it is sent without a pause, and once. */
  urgent: boolean;
  readonly settled: Resolver<void>;
}

/**
 * Turns any number of reports into few writes: one in flight, and behind it one that is the sum of all newer ones,
 * where the latest value of each field wins. A report is settled with the write that carried it. One that the store
 * could not take for now goes out again beneath the newer ones.
 */
export class ReportCoalescer {
  readonly #send: (change: TaskChange) => Promise<Task>;
  #pending: Batch | undefined;
  #inFlight: Batch | undefined;
  #hurry = new AbortController();
  #nextMs = 0;
  #failures = 0;
  #closed: Error | undefined;

  /** @param send one write; it rejects once the run is over */
  constructor(send: (change: TaskChange) => Promise<Task>) {
    this.#send = send;
  }

  /** @param change a copy of the caller's, without undefined members */
  report(change: TaskChange): Promise<Task> {
    const report = new Resolver<Task>();
    if (this.#closed !== undefined) {
      report.reject(this.#closed);
      return report.wait();
    }
    const idle = this.#pending === undefined && this.#inFlight === undefined;
    this.#pending ??= { change: {}, reports: [], urgent: false, settled: new Resolver() };
    this.#pending.change = { ...this.#pending.change, ...change };
    this.#pending.reports.push(report);
    if (idle) void this.#run();
    return report.wait();
  }

  /** Sends what has been reported so far without further pause. Resolves when that was stored or given up. */
  async flush(): Promise<void> {
    const batches = [this.#inFlight, this.#pending].filter((batch) => batch !== undefined);
    for (const batch of batches) batch.urgent = true;
    this.#hurry.abort();
    await Promise.all(batches.map((batch) => batch.settled.wait()));
  }

  /** Rejects what has not been sent, and every later report. */
  close(error: Error): void {
    this.#closed ??= error;
    const waiting = this.#pending;
    this.#pending = undefined;
    if (waiting !== undefined) settle(waiting, (report) => report.reject(this.#closed));
    this.#hurry.abort();
  }

  async #run(): Promise<void> {
    while (this.#pending !== undefined) {
      if (!this.#pending.urgent) await this.#pause();
      const batch = this.#pending;
      if (batch === undefined) return;
      this.#pending = undefined;
      this.#inFlight = batch;
      this.#nextMs = performance.now() + INTERVAL_MS;
      try {
        const task = await this.#send(batch.change);
        this.#failures = 0;
        settle(batch, (report) => report.resolve(task));
      } catch (error) {
        this.#failed(batch, error);
      }
      this.#inFlight = undefined;
    }
  }

  async #pause(): Promise<void> {
    this.#hurry = new AbortController();
    await sleep(this.#nextMs - performance.now(), this.#hurry.signal);
  }

  #failed(batch: Batch, error: unknown): void {
    if (batch.urgent || this.#closed !== undefined || !isTransient(error)) {
      return settle(batch, (report) => report.reject(error));
    }
    this.#failures += 1;
    this.#nextMs = performance.now() + Math.min(INTERVAL_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    const newer = this.#pending;
    this.#pending = batch;
    if (newer === undefined) return;
    batch.change = { ...batch.change, ...newer.change };
    batch.reports.push(...newer.reports);
    batch.urgent = newer.urgent;
    void batch.settled.wait().then(() => newer.settled.resolve());
  }
}

function settle(batch: Batch, tell: (report: Resolver<Task>) => void): void {
  for (const report of batch.reports) tell(report);
  batch.settled.resolve();
}
