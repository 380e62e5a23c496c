import { createMemoryBackend, createMemoryTaskStore } from "@mcp-task-store/memory";
import type { MemoryBackend, MemoryTaskStoreOptions } from "@mcp-task-store/memory";
import type { JsonObject, Task, TaskStore } from "../src/index.ts";
import type { TaskContext } from "../src/task-context.ts";
import { taskExecution, type TaskExecutionOptions, type TaskHandler } from "../src/task-execution.ts";

/** Two stores on one backend are what two processes on one database are. */
export interface TwoProcesses {
  readonly backend: MemoryBackend;
  /** The worker's. */
  readonly a: TaskStore;
  /** Everybody else's. */
  readonly b: TaskStore;
}

export function twoProcesses(options: Omit<MemoryTaskStoreOptions, "backend"> = {}): TwoProcesses {
  const backend = createMemoryBackend();
  const open = (): TaskStore => createMemoryTaskStore({ maintenance: false, ...options, backend });
  return { backend, a: open(), b: open() };
}

/** The same store with some methods replaced: faults come from outside. */
export function withFaults(store: TaskStore, faults: Partial<TaskStore>): TaskStore {
  return { ...store, ...faults };
}

/** Resolves with the signal's reason once it fires. */
export async function fired(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  return signal.reason;
}

export async function read(store: TaskStore, taskId: string): Promise<Task> {
  const task = await store.getTask(taskId, { outcome: true });
  if (task === undefined) throw new Error("The task is gone.");
  return task;
}

/**
 * Runs a handler like {@link taskExecution}, which keeps every error in the task: an assertion that fails in the
 * handler must fail the test instead.
 */
export async function execute(
  store: TaskStore,
  taskId: string,
  handler: (context: TaskContext) => ReturnType<TaskHandler>,
  options?: TaskExecutionOptions,
): Promise<Task> {
  const failed: Error[] = [];
  const checked = async (context: TaskContext): Promise<JsonObject | undefined | void> => {
    try {
      return await handler(context);
    } catch (error) {
      if (error instanceof Error && error.name.includes("Assertion")) failed.push(error);
      throw error;
    }
  };
  try {
    return await taskExecution(store, taskId, checked, options);
  } finally {
    // eslint-disable-next-line no-unsafe-finally -- the failed assertion explains whatever else went wrong
    for (const failure of failed) throw failure;
  }
}
