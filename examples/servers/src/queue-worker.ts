/** A worker behind the queue of queue-server.ts. Start as many as you like, on any machine. */
import { createTaskWorker } from "@mcp-task-store/sdk";
import { endOnSignal } from "./end-on-signal.ts";
import { openQueue } from "./queue.ts";
import { openStoreAt } from "./store.ts";
import { tools } from "./tools.ts";

const url = process.env["DATABASE_URL"];
// The servers look for lost tasks. (A store that looks, and has no `onOrphan`, fails them.)
const store = openStoreAt(url, { maintenance: false, onError: console.error });
await store.setup();
const worker = createTaskWorker(store, { tools, holder: `worker ${process.pid}` });

const queue = await openQueue(url);
await queue.work(async (taskId, jobId) => {
  // Undefined: somebody else has the task, or it is over. The same job twice is no more than that.
  const task = await worker.run(taskId);
  console.log(`job ${jobId}, task ${taskId}: ${task?.status ?? "nothing to do"}`);
});
console.log("ready");

endOnSignal(async () => {
  // Takes no more jobs; then gives the running tasks back, which ends the jobs under way.
  const stopped = queue.stop();
  await worker.close();
  await stopped;
  await store.close();
});
