/** What queue-server.ts and queue-worker.ts show: jobs may come twice or never, workers may die, tasks end right. */
import type { TaskStore } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { type Child, PATIENCE_MS } from "../harness/child.ts";
import type { ServerName } from "../harness/servers.ts";
import type { Show, Stage } from "../harness/show.ts";
import { openQueue } from "../queue.ts";
import { openStoreAt } from "../store.ts";
import type { TaskQueue } from "../task-queue.ts";
import { type TaskClient, textOf } from "../task-client.ts";

interface Scene {
  readonly stage: Stage;
  readonly client: TaskClient;
  /** The show's own handles, to look and to meddle. */
  readonly store: TaskStore;
  readonly queue: TaskQueue;
  readonly server: Child;
}

/** @param needs where the tasks and the jobs are, which chooses the queue */
export function queueWorkers(title: string, needs: ServerName): Show {
  return {
    title,
    needs,
    play: async (stage) => {
      const { server, url } = await stage.startServer("queue-server.ts");
      const client = await stage.connect(url, "alice");
      const store = stage.use(openStoreAt(stage.databaseUrl, { maintenance: false }));
      const queue = await openQueue(stage.databaseUrl);
      stage.use({ [Symbol.asyncDispose]: () => queue.stop() });
      const scene: Scene = { stage, client, store, queue, server };

      await loseJob(scene);
      const workers = await Promise.all([startWorker(stage), startWorker(stage)]);
      await deliverTwice(scene, workers);
      await endWorker(scene, workers);
      await killWorker(scene, [...workers.filter(({ isAlive }) => isAlive), await startWorker(stage)]);
      stage.check("SIGTERM ends the server in good order", `exit code ${await server.end()}`, "exit code 0");
    },
  };
}

/** The job is lost before there is a worker. */
async function loseJob({ stage, client, store, queue, server }: Scene): Promise<void> {
  const { taskId } = await client.startTask("write_report", { topic: "lost jobs", pages: 2 });
  await server.line(new RegExp(`^dispatch ${taskId} created`));
  await pollUntil(async () => (await queue.loseWaiting()) > 0, { what: "the job to lose", deadlineMs: PATIENCE_MS });
  const worker = await startWorker(stage);
  await server.line(new RegExp(`^dispatch ${taskId} orphaned`));
  const task = await client.follow(taskId, stage.signal);
  stage.check("the job was lost: dispatched again, and done", textOf(task.result), "2 pages on lost jobs");
  stage.check("at attempt", (await store.getTask(taskId))?.attempts, 1);
  stage.check("SIGTERM ends a worker with nothing to do", `exit code ${await worker.end()}`, "exit code 0");
}

/** The job is there twice while the task is worked on, and once more when it is over. */
async function deliverTwice({ stage, client, store, queue }: Scene, workers: readonly Child[]): Promise<void> {
  const { taskId } = await client.startTask("write_report", { topic: "twins", pages: 10 });
  const second = await queue.send(taskId);
  const task = await client.follow(taskId, stage.signal);
  await lineOf(workers, `job ${second}, `);
  const before = await store.getTask(taskId);
  const third = await queue.send(taskId);
  const word = await lineOf(workers, `job ${third}, `);
  const after = await store.getTask(taskId);
  stage.check("the job came twice: done once", textOf(task.result), "10 pages on twins");
  stage.check("at attempt", before?.attempts, 1);
  stage.check("it came again after the end", word.slice(word.lastIndexOf(": ") + 2), "nothing to do");
  stage.check("which left the task alone", after?.revision === before?.revision, true);
}

/** The worker is told to end, and gives its task back. */
async function endWorker(scene: Scene, workers: readonly Child[]): Promise<void> {
  const { stage, client, store } = scene;
  const { taskId, holder } = await startTask(scene, workers, "SIGTERM");
  stage.check("SIGTERM ends a worker in the middle of its task", `exit code ${await holder.end()}`, "exit code 0");
  const task = await client.follow(taskId, stage.signal);
  stage.check("another worker did it", textOf(task.result), "15 pages on SIGTERM");
  stage.check("the task was given back, not lost: at attempt", (await store.getTask(taskId))?.attempts, 1);
}

/** The worker is gone without a word, its job with it. */
async function killWorker(scene: Scene, workers: readonly Child[]): Promise<void> {
  const { stage, client, store, server } = scene;
  const { taskId, holder } = await startTask(scene, workers, "kill -9");
  await holder.kill();
  stage.say("kill -9 of the worker in the middle of its task");
  await server.line(new RegExp(`^dispatch ${taskId} orphaned`));
  const task = await client.follow(taskId, stage.signal);
  stage.check("another worker did it from the top", textOf(task.result), "15 pages on kill -9");
  stage.check("at attempt", (await store.getTask(taskId))?.attempts, 2);
}

/** Resolves when a worker is in the middle of it. */
async function startTask(
  { stage, client, store }: Scene,
  workers: readonly Child[],
  topic: string,
): Promise<{ readonly taskId: string; readonly holder: Child }> {
  const { taskId } = await client.startTask("write_report", { topic, pages: 15 });
  await client.follow(taskId, stage.signal, ({ statusMessage }) => statusMessage !== undefined);
  const name = (await store.getTask(taskId))?.lease?.holder;
  const holder = workers.find(({ pid }) => name === `worker ${pid}`);
  if (holder === undefined) throw new Error(`the task is held by ${name}, which is none of the workers`);
  return { taskId, holder };
}

async function startWorker(stage: Stage): Promise<Child> {
  const worker = stage.startProgram("queue-worker.ts");
  await worker.line(/^ready$/);
  return worker;
}

/** What a worker says of a job, as soon as it does. */
async function lineOf(workers: readonly Child[], start: string): Promise<string> {
  const find = (): string | undefined => workers.flatMap(({ lines }) => lines).find((line) => line.startsWith(start));
  return await pollUntil(find, { what: `a worker's line "${start}…"`, deadlineMs: PATIENCE_MS });
}
