import type { Worker } from "./worker.ts";

const START_MS = 20_000;

/** A task that was handed to a worker because its former one was lost. */
export interface HandOver {
  readonly taskId: string;
  readonly worker: Worker;
  /** By this process's monotonic clock. */
  readonly atMs: number;
}

/** The workers of the demo: starts them, hands out tasks, replaces lost ones. */
export class Crew {
  readonly #startWorker: (name: string) => Worker;
  readonly #signal: AbortSignal;
  readonly #all: Worker[] = [];
  readonly #handOvers: HandOver[] = [];
  #turn = 0;

  constructor(startWorker: (name: string) => Worker, signal: AbortSignal) {
    this.#startWorker = startWorker;
    this.#signal = signal;
  }

  get living(): readonly Worker[] {
    return this.#all.filter((worker) => worker.isAlive);
  }

  get everyone(): readonly Worker[] {
    return this.#all;
  }

  /** Two living workers; starts as many as are missing. */
  async pair(): Promise<readonly [Worker, Worker]> {
    const living = [...this.living];
    while (living.length < 2) {
      const worker = this.#startWorker(`worker-${this.#all.length + 1}`);
      this.#all.push(worker);
      living.push(worker);
    }
    const [first, second] = living;
    if (first === undefined || second === undefined) throw new TypeError("Two workers were started.");
    const ready = { deadlineMs: START_MS, signal: this.#signal };
    await Promise.all([first, second].map((worker) => worker.inbox.first("ready", undefined, ready)));
    return [first, second];
  }

  /** Hands a task to a living worker, in turn: what a job queue would do. @throws Error when there is none */
  handOver(taskId: string): Worker {
    const { living } = this;
    const worker = living[this.#turn++ % living.length];
    if (worker === undefined) throw new Error(`nobody is there to take task ${taskId}`);
    this.#handOvers.push({ taskId, worker, atMs: performance.now() });
    worker.send({ type: "run", taskId });
    return worker;
  }

  /** The latest hand-over of a task. */
  handOverOf(taskId: string): HandOver | undefined {
    return this.#handOvers.findLast((handOver) => handOver.taskId === taskId);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.stop()));
  }
}
