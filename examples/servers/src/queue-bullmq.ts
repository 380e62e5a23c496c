/** BullMQ: jobs in Redis, over connections of its own. (It wants other settings of a client than the store does.) */
import { Queue, Worker } from "bullmq";
import type { RedisAddress } from "./address.ts";
import { CONCURRENCY, QUEUE, type TaskJob, type TaskQueue } from "./task-queue.ts";

export function openBullMq({ connectionString, keyPrefix = "" }: RedisAddress): TaskQueue {
  const place = { connection: { url: connectionString }, prefix: `${keyPrefix}bull` };
  const queue = new Queue<TaskJob>(QUEUE, place);
  queue.on("error", console.error);
  let worker: Worker<TaskJob> | undefined;
  return {
    send: async (taskId) => {
      // No `jobId` made of the task's: while a job of that id is there, even one whose worker is lost, BullMQ ignores more.
      const job = await queue.add("run", { taskId }, { removeOnComplete: true, removeOnFail: 1_000 });
      return job.id;
    },
    work: async (run) => {
      const options = { ...place, concurrency: CONCURRENCY };
      worker = new Worker<TaskJob>(QUEUE, async ({ id, data }) => await run(data.taskId, id), options);
      worker.on("error", console.error);
      await worker.waitUntilReady();
    },
    loseWaiting: async () => (await queue.clean(0, 0, "wait")).length,
    stop: async () => {
      await worker?.close();
      await queue.close();
    },
  };
}
