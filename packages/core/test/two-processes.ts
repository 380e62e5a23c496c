import { createMemoryBackend, createMemoryTaskStore } from "../../memory/src/index.ts";
import type { MemoryBackend, MemoryTaskStoreOptions } from "../../memory/src/index.ts";
import type { Task, TaskStore } from "../src/index.ts";

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
