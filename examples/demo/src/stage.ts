/** What every act of the demo works with. */
import type { Task, TaskStore } from "@mcp-task-store/core";
import type { Backend } from "./backends/backend.ts";
import { type DigestOrder, type DigestResult, progressIn } from "./digest-files.ts";
import type { Printer } from "./printer.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { inVain } from "./within.ts";
import type { Crew } from "./workers/crew.ts";

export interface Stage {
  readonly backend: Backend;
  /** The client's handle: this process creates tasks, watches and cancels them, and hands them out. */
  readonly client: TaskStore;
  readonly crew: Crew;
  readonly order: DigestOrder;
  readonly expected: DigestResult;
  readonly random: SeededRandom;
  readonly seed: number;
  readonly printer: Printer;
  /** Fires when the demo is to stop. */
  readonly signal: AbortSignal;
}

/** A task that holds what is to be done, so that any worker can do it. */
export async function createDigestTask({ client, order }: Stage): Promise<Task> {
  return await client.createTask({
    ttlMs: 600_000,
    request: { method: "tools/call", name: "digest_files", params: { ...order } },
  });
}

/** Follows tasks until they are over, or until `onTask` answers "enough"; shows each on a bar under its label. */
export async function follow(
  { client, printer, signal }: Stage,
  labels: ReadonlyMap<string, string>,
  deadlineMs: number,
  onTask: (task: Task) => Promise<"more" | "enough">,
): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    for await (const task of client.watchTasks([...labels.keys()], { signal: AbortSignal.any([signal, deadline]) })) {
      const label = `${labels.get(task.taskId)} ${(task.lease?.holder ?? task.status).padEnd(9)}`;
      const { statusMessage = "" } = task;
      printer.progress(task.taskId, { label, fraction: progressIn(statusMessage), text: statusMessage });
      if ((await onTask(task)) === "enough") break;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw deadline.aborted ? inVain(deadlineMs, `the ${labels.size === 1 ? "task" : "tasks"}`) : error;
  } finally {
    printer.endProgress(...labels.keys());
  }
}

export function short(taskId: string): string {
  return taskId.slice(0, 8);
}
