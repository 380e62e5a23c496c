/** pg-boss: jobs in Postgres. */
import { PgBoss } from "pg-boss";
import { CONCURRENCY, QUEUE, type TaskJob, type TaskQueue } from "./task-queue.ts";

export async function openPgBoss(connectionString: string): Promise<TaskQueue> {
  const boss = new PgBoss({ connectionString, useListenNotify: true });
  boss.on("error", console.error);
  await boss.start();
  await boss.createQueue(QUEUE, { notify: true });
  return {
    send: async (taskId) => (await boss.send(QUEUE, { taskId } satisfies TaskJob)) ?? undefined,
    work: async (run) => {
      const options = { localConcurrency: CONCURRENCY, pollingIntervalSeconds: 0.5 };
      await boss.work<TaskJob>(QUEUE, options, async ([job]) => {
        if (job !== undefined) await run(job.data.taskId, job.id);
      });
    },
    loseWaiting: () => boss.deleteQueuedJobs(QUEUE),
    stop: async () => {
      await boss.offWork(QUEUE, { wait: false });
      await boss.stop();
    },
  };
}
