import {
  isTaskStoreError,
  isTerminal,
  type Task,
  taskExecution,
  TaskStoreError,
  type TaskStore,
} from "@mcp-task-store/core";
import { runTaskTool } from "./run-task-tool.ts";
import { fromRequest } from "./stored-call.ts";
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
  /** Tells the tools to stop and waits for them; their tasks are given back, for another worker, uncounted. */
  close(): Promise<void>;
}

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
}

class ToolWorker implements TaskWorker {
  readonly #store: TaskStore;
  readonly #options: TaskWorkerOptions;
  readonly #tools: ReadonlyMap<string, TaskTool>;
  readonly #running = new Map<string, Run>();
  readonly #shutdown = new AbortController();

  constructor(store: TaskStore, options: TaskWorkerOptions) {
    this.#store = store;
    this.#options = options;
    this.#tools = toolsByName(options.tools);
  }

  async run(taskId: string): Promise<Task | undefined> {
    if (this.#shutdown.signal.aborted) throw new TaskStoreError("CLOSED", "The worker was closed.");
    const running = this.#running.get(taskId);
    if (running !== undefined) {
      // It may be on its way out, suspended, while this call brings the answer's news.
      running.again = true;
      return await running.end;
    }
    const run: Run = { again: false, end: Promise.resolve(undefined) };
    this.#running.set(taskId, run);
    run.end = this.#work(taskId, run);
    return await run.end;
  }

  async close(): Promise<void> {
    this.#shutdown.abort();
    await Promise.allSettled([...this.#running.values()].map(({ end }) => end));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #work(taskId: string, run: Run): Promise<Task | undefined> {
    try {
      for (;;) {
        run.again = false;
        const task = await this.#runOnce(taskId);
        if (task === undefined || isTerminal(task.status) || this.#shutdown.signal.aborted) return task;
        // Suspended, and answered before it was given back: whoever answered saw it held and told nobody.
        if (!run.again && task.status !== "working") return task;
      }
    } catch (error) {
      if (NOT_OURS.some((code) => isTaskStoreError(error, code))) return undefined;
      throw error;
    } finally {
      // In the very turn in which nobody looks at `again` any more: a later call starts a run of its own.
      this.#running.delete(taskId);
    }
  }

  async #runOnce(taskId: string): Promise<Task | undefined> {
    const task = await this.#store.getTask(taskId, { request: true });
    if (task === undefined || isTerminal(task.status)) return undefined;
    const call = fromRequest(task.request);
    const tool = call && this.#tools.get(call.tool);
    if (call === undefined || tool === undefined) throw new Error(`This worker has no tool for task ${taskId}.`);
    const { holder, leaseMs } = this.#options;
    return await taskExecution(this.#store, taskId, async (run) => await runTaskTool(tool, call, run), {
      holder,
      leaseMs,
      maxRunMs: tool.maxRunMs,
      signal: this.#shutdown.signal,
    });
  }
}

/** @throws TypeError for two tools of one name */
export function toolsByName(tools: readonly TaskTool[]): ReadonlyMap<string, TaskTool> {
  const byName = new Map<string, TaskTool>();
  for (const tool of tools) {
    if (byName.has(tool.name)) throw new TypeError(`There are two tools called ${tool.name}.`);
    byName.set(tool.name, tool);
  }
  return byName;
}
