/** The job queue between the server and its workers: pg-boss, in the database that has the tasks as well. */
import { PgBoss } from "pg-boss";

export const QUEUE = "mcp-tasks";

/** All that a job carries: what is to be done, and what came of it, is in the store. */
export interface TaskJob {
  readonly taskId: string;
}

export async function openQueue(connectionString: string | undefined): Promise<PgBoss> {
  if (connectionString === undefined) throw new Error("DATABASE_URL is not set; give postgres://…");
  const queue = new PgBoss({ connectionString, useListenNotify: true });
  queue.on("error", console.error);
  await queue.start();
  await queue.createQueue(QUEUE, { notify: true });
  return queue;
}
