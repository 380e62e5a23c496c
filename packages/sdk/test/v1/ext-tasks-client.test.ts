/** The client of @modelcontextprotocol/ext-tasks, which speaks 2025-11-25 with servers that do. */
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import {
  createTaskSessionFromClient,
  type TaskEnabledSession,
  toolDeclarationFromMcpTool,
} from "@modelcontextprotocol/ext-tasks/client";
import { describe, expect, it } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { serveHttp } from "./http-server.ts";
import { echo, gate, gated, isError, needsTask, rpcError } from "./test-tools.ts";

interface Play extends AsyncDisposable {
  readonly session: TaskEnabledSession;
  /** The same user's, over a connection of its own. */
  readonly connect: () => Promise<TaskEnabledSession>;
  readonly open: () => void;
}

async function play(): Promise<Play> {
  const store = createMemoryTaskStore({ defaultPollIntervalMs: 20 });
  const door = gate();
  const tasks = new TasksSupport(store, { tools: [echo, needsTask, isError, rpcError, gated(door.passed)] });
  const server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
  const opened: AsyncDisposable[] = [];
  const connect = async (): Promise<TaskEnabledSession> => {
    const client = new Client({ name: "test", version: "1.0.0" });
    const requestInit = { headers: { authorization: "Bearer alice" } };
    await client.connect(new StreamableHTTPClientTransport(server.url, { requestInit }));
    const listed = (await client.listTools()).tools.map(toolDeclarationFromMcpTool);
    const session = createTaskSessionFromClient(client, {
      endpointId: "test",
      tools: { currentTool: (name: string) => listed.find((tool) => tool.name === name) },
    });
    opened.push(session, { [Symbol.asyncDispose]: async () => await client.close() });
    return session;
  };
  return {
    session: await connect(),
    connect,
    open: () => door.open(),
    async [Symbol.asyncDispose]() {
      for (const one of opened) await one[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await tasks.close();
      await store.close();
    },
  };
}

const PREFER = { task: { preference: "prefer" } } as const;

describe("the ext-tasks client on 2025-11-25", () => {
  it.each([
    ["echo", { text: "x" }, { status: "completed", result: { content: [{ type: "text", text: "x" }] } }],
    ["needs_task", {}, { status: "completed" }],
    ["rpc_error", {}, { status: "failed" }],
    ["is_error", {}, { status: "failed" }],
  ] as const)("sees how %s ends", async (name, args, outcome) => {
    await using scene = await play();
    await using execution = await scene.session.callTool(name, args, PREFER);
    expect(execution.kind).toBe("task");
    expect(await execution.result()).toMatchObject(outcome);
  });

  it("lists and resumes", async () => {
    await using scene = await play();
    const { session } = scene;
    const execution = await session.callTool("gated", {}, PREFER);
    if (execution.kind !== "task") throw new Error("no task");
    const reference = execution.serializeReference();
    expect((await session.listTasks()).tasks.map(({ taskId }) => taskId)).toEqual([reference.taskId]);
    await execution.handoff(() => undefined);
    await using resumed = await (await scene.connect()).resumeTask(reference);
    scene.open();
    expect(await resumed.result()).toMatchObject({ status: "completed" });
  });

  it("cancels", async () => {
    await using scene = await play();
    await using execution = await scene.session.callTool("gated", {}, PREFER);
    await execution.cancel();
    expect(await execution.result()).toMatchObject({ status: "cancelled" });
  });
});
