/** A worker behind the queue of queue-server.ts. Start as many as you like, on any machine. */
import { createTaskWorker } from "@mcp-task-store/sdk";
import { endOnSignal } from "./end-on-signal.ts";
import { openQueue, QUEUE, type TaskJob } from "./queue.ts";
import { openPostgresStore } from "./store.ts";
import { tools } from "./tools.ts";

const connectionString = process.env["DATABASE_URL"];
// The servers look for lost tasks. (A store that looks, and has no `onOrphan`, fails them.)
const store = openPostgresStore(connectionString, { maintenance: false, onError: console.error });
await store.setup();
const worker = createTaskWorker(store, { tools, holder: `worker ${process.pid}` });

const queue = await openQueue(connectionString);
await queue.work<TaskJob>(QUEUE, { localConcurrency: 4, pollingIntervalSeconds: 0.5 }, async ([job]) => {
  if (job === undefined) return;
  // Undefined: somebody else has the task, or it is over. The same job twice is no more than that.
  const task = await worker.run(job.data.taskId);
  console.log(`job ${job.id}, task ${job.data.taskId}: ${task?.status ?? "nothing to do"}`);
});
console.log("ready");

endOnSignal(async () => {
  // Takes no more jobs; then gives the running tasks back.
  await queue.offWork(QUEUE, { wait: false });
  await worker.close();
  await queue.stop();
  await store.close();
});
