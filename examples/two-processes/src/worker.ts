/** Works on the tasks whose ids it reads, and on those that another worker left behind. Start as many as you like. */
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { isTaskStoreError, taskExecution, type TaskContext } from "@mcp-task-store/core";
import { endOnSignal } from "@mcp-task-store/example-servers/end-on-signal";
import { openStore } from "./store.ts";

const STEP_MS = 40;

const holder = `worker ${process.pid}`;
const shutdown = new AbortController();
const running = new Set<Promise<void>>();
const store = await openStore({ onOrphan: ({ taskId }) => start(taskId) });

/** The work itself: "count-to-5". */
async function count(ctx: TaskContext): Promise<{ readonly content: readonly unknown[] }> {
  const task = await store.getTask(ctx.taskId, { request: true });
  const end = Number(task?.request?.name?.split("-").at(-1));
  if (!Number.isSafeInteger(end)) throw new Error("this worker can only count");
  console.log(`working ${ctx.taskId} attempt ${ctx.attempt} by ${holder}`);
  for (let step = 1; step <= end; step += 1) {
    // Fires when the task is cancelled, from any process.
    await pause(STEP_MS, undefined, { signal: ctx.signal });
    await ctx.updateStatus(`${step} of ${end}`);
  }
  return { content: [{ type: "text", text: `counted to ${end}` }] };
}

async function run(taskId: string): Promise<void> {
  try {
    const task = await taskExecution(store, taskId, count, { holder, signal: shutdown.signal });
    console.log(`left ${taskId} ${task.status} by ${holder}`);
  } catch (error) {
    // The id came to two workers, or twice, or late: the lease says who works on it.
    if (
      !["LEASE_HELD", "TASK_TERMINAL", "TASK_NOT_FOUND", "ABORTED"].some(
        (code) => isTaskStoreError(error) && error.code === code,
      )
    ) {
      throw error;
    }
    console.log(`passed ${taskId} by ${holder}`);
  }
}

function start(taskId: string): void {
  const work: Promise<void> = run(taskId)
    .catch(console.error)
    .finally(() => running.delete(work));
  running.add(work);
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const [word, taskId] = line.split(" ");
  if (word === "task" && taskId !== undefined) start(taskId);
});
console.log(`ready ${holder}`);

endOnSignal(async () => {
  // What is running goes back, its attempt uncounted.
  shutdown.abort();
  await Promise.all(running);
  await store.close();
});
