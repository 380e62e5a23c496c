import type { DispatchReason } from "@mcp-task-store/sdk/v2";
import { within } from "../within.ts";
import type { Worker } from "./worker.ts";

const START_MS = 20_000;
const HAND_OVER_MS = 20_000;

/** A task that was handed to a worker, as the server wished. */
export interface HandOver {
  readonly taskId: string;
  readonly reason: DispatchReason;
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
  readonly #onHandOver = new Set<() => void>();
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
  handOver(taskId: string, reason: DispatchReason): void {
    const { living } = this;
    const worker = living[this.#turn++ % living.length];
    if (worker === undefined) throw new Error(`nobody is there to take task ${taskId}`);
    this.#handOvers.push({ taskId, reason, worker, atMs: performance.now() });
    worker.send({ type: "run", taskId });
    for (const look of this.#onHandOver) look();
  }

  /** The first hand-over of a task for this reason, now or as soon as it comes. */
  async handedOver(taskId: string, reason: DispatchReason): Promise<HandOver> {
    let look = (): void => undefined;
    const coming = new Promise<HandOver>((resolve) => {
      look = () => {
        const found = this.#handOvers.find((each) => each.taskId === taskId && each.reason === reason);
        if (found !== undefined) resolve(found);
      };
    });
    this.#onHandOver.add(look);
    look();
    try {
      return await within(HAND_OVER_MS, `the server to hand a task out: ${reason}`, this.#signal, coming);
    } finally {
      this.#onHandOver.delete(look);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.stop()));
  }
}
