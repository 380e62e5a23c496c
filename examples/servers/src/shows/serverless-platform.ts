/** What serverless.ts shows: instances come and go, and tasks stay. */
import { setTimeout as pause } from "node:timers/promises";
import { pollUntil } from "@mcp-task-store/services";
import { PATIENCE_MS } from "../harness/child.ts";
import { Platform } from "../harness/platform.ts";
import type { Show, Stage } from "../harness/show.ts";
import { openStoreAt } from "../store.ts";
import { type ClientTask, isOver, type TaskClient, textOf } from "../task-client.ts";

/** A platform's would be a minute. */
const CRON_EVERY_MS = 500;

export const serverlessPlatform: Show = {
  title: "serverless: no background process, waitUntil, polling hints, maintain() by cron",
  needs: "Postgres",
  play: async (stage) => {
    const store = stage.use(openStoreAt(stage.databaseUrl, { maintenance: false }));
    await store.setup();
    const platform = stage.use(await Platform.start({ DATABASE_URL: stage.databaseUrl ?? "" }));
    const client = await stage.connect(platform.url, "alice");

    await workOnAfterTheAnswer(stage, platform, client);
    await askWithNobodyThere(stage, platform, client);

    const { taskId } = await client.startTask("write_report", { topic: "limits", pages: 15 });
    await client.follow(taskId, stage.signal, ({ statusMessage }) => statusMessage !== undefined);
    await platform.killInstance();
    stage.say("the platform killed an instance in the middle of a task");
    const task = await followWithCron(stage, platform, client, taskId);
    const attempts = (await store.getTask(taskId))?.attempts;
    stage.check("the cron call found it and went on", textOf(task.result), "15 pages on limits");
    stage.check("at attempt", attempts, 2);
  },
};

async function followWithCron(
  { signal }: Stage,
  platform: Platform,
  client: TaskClient,
  taskId: string,
): Promise<ClientTask> {
  for (;;) {
    const task = await client.getTask(taskId);
    if (isOver(task)) return task;
    await platform.cron();
    await pause(CRON_EVERY_MS, undefined, { signal });
  }
}

async function workOnAfterTheAnswer(stage: Stage, platform: Platform, client: TaskClient): Promise<void> {
  const { taskId } = await client.startTask("write_report", { topic: "waitUntil", pages: 10 });
  // No call keeps the instance busy now. Only `waitUntil` does.
  await pollUntil(() => !platform.isRunning, {
    what: "the end of an instance with nothing to do",
    deadlineMs: PATIENCE_MS,
  });
  const task = await client.getTask(taskId);
  stage.check("an instance worked on after its answer, and ended", textOf(task.result), "10 pages on waitUntil");
}

async function askWithNobodyThere(stage: Stage, platform: Platform, client: TaskClient): Promise<void> {
  const { taskId } = await client.startTask("publish_report", { topic: "patience" });
  await client.follow(taskId, stage.signal, ({ status }) => status === "input_required");
  await pollUntil(() => !platform.isRunning, { what: "the end of the instance that asked", deadlineMs: PATIENCE_MS });
  await client.answer(taskId, { approval: { action: "accept", content: { publish: true } } });
  const task = await client.follow(taskId, stage.signal);
  stage.check("asked by an instance that is gone, answered to the next", textOf(task.result), "published: patience");
  stage.say(`instances so far: ${platform.started}`);
}
