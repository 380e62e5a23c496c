/** A worker: takes task ids, runs their tools. Where it runs and how ids arrive is others' business. */
import { isTaskStoreError, type Task, type TaskStore } from "@mcp-task-store/core";
import { createTaskWorker, type TaskWorker } from "@mcp-task-store/sdk";
import { digestTools } from "../tools.ts";
import { asError } from "../within.ts";
import type { FromWorker, RaceRole, ToWorker } from "./messages.ts";

export interface WorkerLoopOptions {
  /** Shown to people as the holder of the tasks that this worker works on. */
  readonly name: string;
  readonly store: TaskStore;
  readonly send: (message: FromWorker) => void;
}

export class WorkerLoop {
  readonly #name: string;
  readonly #store: TaskStore;
  readonly #send: (message: FromWorker) => void;
  readonly #worker: TaskWorker;
  readonly #slices = new Map<string, number>();
  #go: (() => void) | undefined;

  constructor({ name, store, send }: WorkerLoopOptions) {
    this.#name = name;
    this.#store = store;
    this.#send = send;
    const tools = digestTools({
      onSignal: (taskId, reason) => send({ type: "signalled", taskId, reason, slices: this.#slicesOf(taskId) }),
      onSlice: (taskId, done) => this.#slices.set(taskId, done),
    });
    this.#worker = createTaskWorker(this.#telling(), { tools, holder: name });
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case "run":
        this.#observed(this.#run(message.taskId));
        break;
      case "prepare":
        this.#observed(this.#race(message.taskId, message.role, message.headStartMs));
        break;
      case "go":
        this.#go?.();
        break;
    }
  }

  async #run(taskId: string): Promise<void> {
    const task = await this.#worker.run(taskId);
    this.#send({ type: "ended", taskId, ending: task?.status ?? "nothing to do", slices: this.#slicesOf(taskId) });
  }

  #slicesOf(taskId: string): number {
    return this.#slices.get(taskId) ?? 0;
  }

  /** The same store; it tells of each lease. A tool has no need of its token: the demo shows it, that is all. */
  #telling(): TaskStore {
    return {
      ...this.#store,
      acquireLease: async (taskId, options) => {
        const lease = await this.#store.acquireLease(taskId, options);
        if (lease !== undefined) {
          this.#send({ type: "started", taskId, attempt: lease.task.attempts, token: lease.token });
        }
        return lease;
      },
    };
  }

  /** One side of a race: to complete the task as its holder, or to cancel it from outside. */
  async #race(taskId: string, role: RaceRole, headStartMs: number): Promise<void> {
    const lease = role === "complete" ? await this.#store.acquireLease(taskId, { holder: this.#name }) : undefined;
    const go = new Promise<void>((resolve) => {
      this.#go = resolve;
    });
    this.#send({ type: "prepared", taskId });
    await go;
    // A timer is too coarse for fractions of a millisecond.
    for (const untilMs = performance.now() + headStartMs; performance.now() < untilMs;);
    try {
      const task = await this.#end(taskId, role, lease?.token);
      this.#send({ type: "raced", taskId, status: task.status });
    } catch (error) {
      if (!isTaskStoreError(error)) throw error;
      this.#send({ type: "raced", taskId, status: error.task?.status ?? "unknown", refusal: error.code });
    }
  }

  async #end(taskId: string, role: RaceRole, lease: number | undefined): Promise<Task> {
    if (role === "cancel") return await this.#store.cancelTask(taskId);
    return await this.#store.finishTask(taskId, { status: "completed", result: { by: this.#name } }, { lease });
  }

  #observed(work: Promise<void>): void {
    work.catch((error: unknown) => this.#send({ type: "trouble", text: asError(error).stack ?? String(error) }));
  }
}
