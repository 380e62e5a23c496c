/** A worker: takes task ids, runs the tasks with `taskExecution`. Where it runs and how ids arrive is others' business. */
import { isTaskStoreError, type Task, taskExecution, type TaskStore } from "@mcp-task-store/core";
import { type DigestOrder, digestFiles } from "../digest-files.ts";
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
  #go: (() => void) | undefined;

  constructor({ name, store, send }: WorkerLoopOptions) {
    this.#name = name;
    this.#store = store;
    this.#send = send;
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
    let slices = 0;
    try {
      const order = await this.#order(taskId);
      const task = await taskExecution(
        this.#telling(),
        taskId,
        async (context) => {
          context.signal.addEventListener("abort", () => {
            this.#send({ type: "signalled", taskId, reason: asError(context.signal.reason).message, slices });
          });
          return await digestFiles(context, order, (done) => {
            slices = done;
          });
        },
        { holder: this.#name },
      );
      this.#send({ type: "ended", taskId, ending: task.status, slices });
    } catch (error) {
      // Somebody else has the task, or it is over: nothing to do here.
      if (!isTaskStoreError(error)) throw error;
      this.#send({ type: "ended", taskId, ending: error.code, slices });
    }
  }

  /** Like everything that comes out of a database it is checked before it is used. */
  async #order(taskId: string): Promise<DigestOrder> {
    const task = await this.#store.getTask(taskId, { request: true });
    const { directory, slices, pauseMs } = task?.request?.params ?? {};
    if (typeof directory === "string" && typeof slices === "number" && typeof pauseMs === "number") {
      return { directory, slices, pauseMs };
    }
    throw new Error(`task ${taskId} has no order that this worker knows`);
  }

  /** The same store; it tells of each lease. A handler has no need of its token: the demo shows it, that is all. */
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
