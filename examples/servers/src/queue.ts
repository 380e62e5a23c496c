/** The job queue between the server and its workers. The address chooses: see queue-pg-boss.ts and queue-bullmq.ts. */
import { addressOf } from "./address.ts";
import { openBullMq } from "./queue-bullmq.ts";
import { openPgBoss } from "./queue-pg-boss.ts";
import type { TaskQueue } from "./task-queue.ts";

/** In the database that has the tasks as well. */
export async function openQueue(url: string | undefined): Promise<TaskQueue> {
  const address = addressOf(url);
  return address.kind === "redis" ? openBullMq(address) : await openPgBoss(address.connectionString);
}
