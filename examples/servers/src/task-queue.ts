/** What queue-server.ts and queue-worker.ts want of a job queue, whichever it is. */
export interface TaskQueue {
  /** @returns the job's id, for the log */
  send(taskId: string): Promise<string | undefined>;
  /** Has this process run jobs, a few at a time. Resolves as soon as it takes some. */
  work(run: (taskId: string, jobId: string | undefined) => Promise<void>): Promise<void>;
  /** Loses the jobs that no worker has taken. @returns how many */
  loseWaiting(): Promise<number>;
  /** Takes no more jobs from now on. Resolves when those under way are over, and the connections closed. */
  stop(): Promise<void>;
}

/** All that a job carries: what is to be done, and what came of it, is in the store. */
export interface TaskJob {
  readonly taskId: string;
}

export const QUEUE = "mcp-tasks";
/** How many jobs a worker has at a time. */
export const CONCURRENCY = 4;
