import {
  isTaskStoreError,
  isTerminal,
  type JsonObject,
  type Task,
  type TaskContext,
  taskExecution,
  type TaskStore,
  TaskStoreError,
  type TaskStoreErrorCode,
} from "@mcp-task-store/core";
import { runTaskTool } from "./run-task-tool.ts";
import { fromRequest, type StoredCall } from "./stored-call.ts";
import type { TaskTool } from "./task-tool.ts";

export interface TaskWorkerOptions {
  /** The tools this worker can run; each name once. */
  readonly tools: readonly TaskTool[];
  /** A name for people to read. @default "worker-" and a random part */
  readonly holder?: string | undefined;
  /** Life of a lease without a heartbeat, ms. @default the store's */
  readonly leaseMs?: number | undefined;
}

/** Runs tools on their tasks, in a server or in a process of its own. */
export interface TaskWorker extends AsyncDisposable {
  /**
   * Works on a task until it ended, was suspended, or is somebody else's. Give it the id that `dispatch` or `onOrphan`
   * handed out, as often as your queue delivers it.
   * @returns the task as this run left it, also for a second call meanwhile; undefined: nothing to do here, for it is
   *   gone, has ended, or another worker has it
   * @throws TaskStoreError STORE_UNAVAILABLE, WRITE_OUTCOME_UNKNOWN: deliver the id again; CLOSED after `close()`;
   *   Error for a tool that this worker does not have
   */
  run(taskId: string): Promise<Task | undefined>;
  /**
   * Tells the tools to stop, by `ctx.signal`, and waits for them. Their tasks are given back, for another worker,
   * uncounted; after `graceMs` also those of tools that go on all the same, which can write nothing more.
   * @param options.graceMs how long tools may take to stop, ms. @default 10_000
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

const CLOSE_GRACE_MS = 10_000;

/** Codes that say: nothing to do, or not for this worker. */
const NOT_OURS = ["TASK_NOT_FOUND", "TASK_TERMINAL", "LEASE_HELD", "ABORTED"] as const;

/**
 * A worker for tools made by `defineTaskTool`.
 * @throws TypeError for two tools of one name
 */
export function createTaskWorker(store: TaskStore, options: TaskWorkerOptions): TaskWorker {
  return new ToolWorker(store, options);
}

interface Run {
  /** Somebody asked for it while it was under way. */
  again: boolean;
  end: Promise<Task | undefined>;
  /** Its own, not the worker's: Node 20 takes more than ten listeners of one signal for a leak. */
  readonly shutdown: AbortController;
  readonly abandon: AbortController;
}

/** A task and the tool that it needs. */
interface Job {
  readonly tool: TaskTool;
  readonly call: StoredCall;
}

/** Reasons of a signal after which the run is over, whatever its tool still does. */
const OVER: readonly TaskStoreErrorCode[] = ["TASK_TERMINAL", "TASK_NOT_FOUND", "LEASE_LOST", "CLOSED"];

export class ToolWorker implements TaskWorker {
  /** By name. */
  readonly tools: ReadonlyMap<string, TaskTool>;
  readonly #store: TaskStore;
  readonly #options: TaskWorkerOptions;
  readonly #running = new Map<string, Run>();
  readonly #looks = new Map<string, Promise<Job | undefined>>();
  #isClosed = false;

  constructor(store: TaskStore, options: TaskWorkerOptions) {
    this.#store = store;
    this.#options = options;
    this.tools = toolsByName(options.tools);
  }

  async run(taskId: string): Promise<Task | undefined> {
    // It may be on its way out, suspended, while this call brings the answer's news: so it is told in this very turn.
    const running = this.#isClosed ? undefined : this.#join(taskId);
    return await (running ?? (await this.start(taskId)).end);
  }

  /**
   * Like {@link run}, but resolves once the work has begun, or there is none to do here.
   * @throws as {@link run} does before a tool is called
   */
  async start(taskId: string): Promise<{ readonly end: Promise<Task | undefined> }> {
    if (this.#isClosed) throw new TaskStoreError("CLOSED", "The worker was closed.");
    const job = await this.#look(taskId);
    if (this.#isClosed) throw new TaskStoreError("CLOSED", "The worker was closed.");
    const joined = this.#join(taskId);
    if (joined !== undefined) return { end: joined };
    if (job === undefined) return { end: Promise.resolve(undefined) };
    const [shutdown, abandon] = [new AbortController(), new AbortController()];
    const run: Run = { again: false, end: Promise.resolve(undefined), shutdown, abandon };
    this.#running.set(taskId, run);
    run.end = this.#work(taskId, run, job);
    run.end.catch(() => undefined);
    return { end: run.end };
  }

  async close({ graceMs = CLOSE_GRACE_MS }: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    this.#isClosed = true;
    const runs = [...this.#running.values()];
    for (const { shutdown } of runs) shutdown.abort();
    const timer = setTimeout(() => {
      for (const { abandon } of runs) abandon.abort();
    }, graceMs);
    await Promise.allSettled(runs.map(({ end }) => end));
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #join(taskId: string): Promise<Task | undefined> | undefined {
    const running = this.#running.get(taskId);
    if (running !== undefined) running.again = true;
    return running?.end;
  }

  async #work(taskId: string, run: Run, first: Job): Promise<Task | undefined> {
    try {
      for (let job: Job | undefined = first; job !== undefined; job = await this.#jobOf(taskId)) {
        run.again = false;
        const task = await this.#runOnce(taskId, run, job);
        if (isTerminal(task.status) || this.#isClosed || this.#isOut(taskId, run)) return task;
        // Suspended, and answered before it was given back: whoever answered saw it held and told nobody.
        if (!run.again && task.status !== "working") return task;
      }
      return undefined;
    } catch (error) {
      if (NOT_OURS.some((code) => isTaskStoreError(error, code))) return undefined;
      throw error;
    } finally {
      // In the very turn in which nobody looks at `again` any more: a later call starts a run of its own.
      this.#drop(taskId, run);
    }
  }

  /**
   * One look for all who ask meanwhile: the later of two could else come back when the run is over that the first one
   * began, and say that there was nothing to do. What it reads only begins a run, which reads again.
   */
  #look(taskId: string): Promise<Job | undefined> {
    let look = this.#looks.get(taskId);
    if (look === undefined) {
      look = this.#jobOf(taskId).finally(() => this.#looks.delete(taskId));
      this.#looks.set(taskId, look);
    }
    return look;
  }

  /** undefined: nothing to do. @throws Error for a tool that this worker does not have */
  async #jobOf(taskId: string): Promise<Job | undefined> {
    const task = await this.#store.getTask(taskId, { request: true });
    if (task === undefined || isTerminal(task.status)) return undefined;
    const call = fromRequest(task.request);
    const tool = call && this.tools.get(call.tool);
    if (call === undefined || tool === undefined) throw new Error(`This worker has no tool for task ${taskId}.`);
    return { tool, call };
  }

  async #runOnce(taskId: string, run: Run, { tool, call }: Job): Promise<Task> {
    const { holder, leaseMs } = this.#options;
    const handler = async (context: TaskContext): Promise<JsonObject | undefined> => {
      let isSettled = false;
      // A tool that goes on although its run is over keeps neither a new run from the task nor this worker from closing.
      context.signal.addEventListener("abort", () => {
        const { reason }: { reason: unknown } = context.signal;
        if (!isSettled && isTaskStoreError(reason) && OVER.includes(reason.code)) this.#drop(taskId, run);
      });
      try {
        return await runTaskTool(tool, call, context);
      } finally {
        isSettled = true;
      }
    };
    return await taskExecution(this.#store, taskId, handler, {
      holder,
      leaseMs,
      maxRunMs: tool.maxRunMs,
      signal: run.shutdown.signal,
      abandon: run.abandon.signal,
    });
  }

  #drop(taskId: string, run: Run): void {
    if (!this.#isOut(taskId, run)) this.#running.delete(taskId);
  }

  /** The run is not counted any more; another may have its place. */
  #isOut(taskId: string, run: Run): boolean {
    return this.#running.get(taskId) !== run;
  }
}

/** @throws TypeError for two tools of one name */
function toolsByName(tools: readonly TaskTool[]): ReadonlyMap<string, TaskTool> {
  const byName = new Map<string, TaskTool>();
  for (const tool of tools) {
    if (byName.has(tool.name)) throw new TypeError(`There are two tools called ${tool.name}.`);
    byName.set(tool.name, tool);
  }
  return byName;
}
