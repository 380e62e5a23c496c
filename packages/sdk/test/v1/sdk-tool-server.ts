/** A server whose one tool is registered with the SDK's own `registerToolTask`, and asks through the SDK. */
import type { TaskStore } from "@mcp-task-store/core";
import type { RequestTaskStore } from "@modelcontextprotocol/sdk/shared/protocol.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { CallToolResultSchema, CreateTaskResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { TasksSupport, type TasksSupportOptions } from "../../src/v1/index.ts";
import { type HttpServer, type HttpServerOptions, serveHttp } from "./http-server.ts";
import type { TestClient } from "./test-client.ts";
import { greeter } from "./test-tools.ts";

export const FORM = {
  mode: "form" as const,
  message: "Delete all?",
  requestedSchema: { type: "object" as const, properties: { name: { type: "string" as const } } },
};

/** What the tool does with its task, until it has a text to end it with; what it throws fails the task. */
export type Work = (mcp: McpServer, taskId: string, taskStore: RequestTaskStore) => Promise<string>;

/** Says that it needs input, asks, and tells what it was told. */
export const asksOnce: Work = async (mcp, taskId, taskStore) => {
  await taskStore.updateTaskStatus(taskId, "input_required");
  const { action, content } = await mcp.server.elicitInput(FORM, { relatedTask: { taskId } });
  return `told ${String(content?.["name"] ?? action)}`;
};

export interface SdkToolServerOptions
  extends Omit<HttpServerOptions, "prepare" | "make">, Partial<TasksSupportOptions> {
  readonly work?: Work;
  /** @default false */
  readonly logging?: boolean;
  /** Its task lives as long as the client wishes. @default false */
  readonly isTtlWished?: boolean;
}

/** The tool is "delete"; there is a "greet" of ours as well. */
export async function serveSdkTool(store: TaskStore, options: SdkToolServerOptions = {}): Promise<HttpServer> {
  const { work = asksOnce, logging = false, isTtlWished = false } = options;
  const tasks = new TasksSupport(store, { tools: [greeter], ...options });
  return await serveHttp({
    ...options,
    make: () => {
      const mcp = new McpServer({ name: "test", version: "1.0.0" }, tasks.serverOptions);
      if (logging) mcp.server.registerCapabilities({ logging: {} });
      return mcp;
    },
    prepare: (mcp) => {
      tasks.attach(mcp);
      mcp.experimental.tasks.registerToolTask(
        "delete",
        { execution: { taskSupport: "required" } },
        {
          createTask: async ({ taskStore, taskRequestedTtl }) => {
            const ttl = isTtlWished ? (taskRequestedTtl ?? null) : 600_000;
            const task = await taskStore.createTask({ ttl, pollInterval: 20 });
            const { taskId } = task;
            const end = async (): Promise<void> => {
              const text = await work(mcp, taskId, taskStore);
              await taskStore.storeTaskResult(taskId, "completed", { content: [{ type: "text", text }] });
            };
            end().catch(async (error: unknown) => {
              await taskStore.updateTaskStatus(taskId, "failed", String(error)).catch(() => undefined);
            });
            return { task };
          },
          getTask: async ({ taskId, taskStore }) => await taskStore.getTask(taskId),
          getTaskResult: async ({ taskId, taskStore }) =>
            CallToolResultSchema.parse(await taskStore.getTaskResult(taskId)),
        },
      );
    },
  });
}

/** Calls the tool. @returns its task's id */
export async function makeSdkTask({ client }: TestClient): Promise<string> {
  const call = { method: "tools/call", params: { name: "delete", task: {} } };
  return (await client.request(call, CreateTaskResultSchema)).task.taskId;
}
