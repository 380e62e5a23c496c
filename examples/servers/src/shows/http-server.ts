/** What http.ts, hono.ts and express.ts have in common: all of it. */
import { ProtocolError } from "@modelcontextprotocol/client";
import type { Child } from "../harness/child.ts";
import type { Show, Stage } from "../harness/show.ts";
import { openStoreAt } from "../store.ts";
import { type ClientTask, isOver, isTask, type TaskClient, textOf } from "../task-client.ts";

export function httpServer(title: string, program: string): Show {
  return {
    title,
    needs: undefined,
    play: async (stage) => {
      const { server, url } = await stage.startServer(program);
      const unknown = await fetch(url, { method: "POST", body: "{}" });
      stage.check("no token", `HTTP ${unknown.status}`, "HTTP 401");
      const alice = await stage.connect(url, "alice");
      await callWithoutTasks(stage, url);
      await callAndListen(stage, alice);
      const { taskId } = await approve(stage, alice);
      await lookFromOutside(stage, url, taskId);
      if (stage.databaseUrl !== undefined) await restart(stage, alice, program, server, url);
      stage.check("SIGTERM ends it in good order", `exit code ${await server.end()}`, "exit code 0");
    },
  };
}

async function callWithoutTasks(stage: Stage, url: URL): Promise<void> {
  const plain = await stage.connect(url, "alice", { tasks: false });
  const answer = await plain.callTool("write_report", { topic: "tea", pages: 2 });
  stage.check("a client without tasks gets the result at once", isTask(answer) || textOf(answer), "2 pages on tea");
}

export async function callAndListen(stage: Stage, client: TaskClient): Promise<void> {
  const { taskId } = await client.startTask("write_report", { topic: "tea", pages: 3, pageMs: 300 });
  const heard: ClientTask[] = [];
  await new Promise<void>((resolve, reject) => {
    const listener = (task: ClientTask): void => {
      heard.push(task);
      if (isOver(task)) resolve();
    };
    client.subscribe([taskId], listener).then((end) => void stage.use({ [Symbol.asyncDispose]: end }), reject);
    stage.signal.addEventListener("abort", () => reject(new Error("the subscription heard of no end")), { once: true });
  });
  stage.say(
    `task ${taskId.slice(0, 8)}: ${heard.map(({ status, statusMessage = "" }) => statusMessage || status).join(", ")}`,
  );
  stage.check("a task, heard of by a subscription", textOf(heard.at(-1)?.result), "3 pages on tea");
}

/** A question before the work, answered by whoever has the task. */
export async function approve(stage: Stage, client: TaskClient): Promise<ClientTask> {
  const { taskId } = await client.startTask("publish_report", { topic: "tea" });
  const asking = await client.follow(taskId, stage.signal, ({ status }) => status === "input_required");
  const [[key, question] = ["none", undefined]] = Object.entries(asking.inputRequests ?? {});
  stage.say(`the tool asks: ${question?.params?.message ?? "nothing"}`);
  await client.answer(taskId, { [key]: { action: "accept", content: { publish: true } } });
  const task = await client.follow(taskId, stage.signal);
  stage.check("answered, it goes on", textOf(task.result), "published: tea");
  return task;
}

async function lookFromOutside(stage: Stage, url: URL, taskId: string): Promise<void> {
  const bob = await stage.connect(url, "bob");
  const outcome = (id: string): Promise<string> =>
    bob.getTask(id).then(
      () => "found",
      (error: unknown) =>
        error instanceof ProtocolError ? `${error.code} ${error.message.replaceAll(id, "…")}` : String(error),
    );
  const foreign = await outcome(taskId);
  stage.check("bob asks for alice's task: as for one that there is not", foreign, await outcome(crypto.randomUUID()));
  stage.check("and that is -32602", foreign.split(" ")[0], "-32602");
}

/** The server ends in the middle of a task; another takes its place, and the task. */
async function restart(stage: Stage, alice: TaskClient, program: string, server: Child, url: URL): Promise<void> {
  const { taskId } = await alice.startTask("write_report", { topic: "restarts", pages: 10 });
  await alice.follow(taskId, stage.signal, ({ statusMessage }) => statusMessage !== undefined);
  stage.check("SIGTERM in the middle of a task", `exit code ${await server.end()}`, "exit code 0");
  await stage.startServer(program, Number(url.port));
  const task = await alice.follow(taskId, stage.signal);
  await using store = openStoreAt(stage.databaseUrl, { maintenance: false });
  const attempts = (await store.getTask(taskId))?.attempts;
  stage.check("the next process goes on, same client, same task id", textOf(task.result), "10 pages on restarts");
  stage.check("the task was given back, not lost: at attempt", attempts, 1);
}
