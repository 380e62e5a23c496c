/**
 * A server for platforms that start instances when a request comes and freeze or end them when nothing is left to do:
 * a `fetch` and a `scheduled`, no timer, no process that waits. On Cloudflare Workers: `export default serverless`.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { TaskStore } from "@mcp-task-store/core";
import { TasksExtension } from "@mcp-task-store/sdk/v2";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { authenticate } from "./auth.ts";
import { openStoreAt } from "./store.ts";
import { tools } from "./tools.ts";

export interface Environment {
  readonly DATABASE_URL?: string | undefined;
}

/** What the platform gives with each call. */
export interface Invocation {
  /** The instance lives on until this work is done, within the platform's limit. */
  waitUntil(work: Promise<unknown>): void;
}

export interface Serverless {
  fetch(request: Request, environment: Environment, invocation: Invocation): Promise<Response>;
  /** For the platform's cron, every minute say: deletes what expired, goes on with what lost its instance. */
  scheduled(event: unknown, environment: Environment, invocation: Invocation): Promise<void>;
}

interface App {
  readonly store: TaskStore;
  readonly fetchMcp: ReturnType<TasksExtension["wrapFetch"]>;
}

/** One for each instance, made by its first call. */
let app: App | undefined;
const current = new AsyncLocalStorage<Invocation>();

function open({ DATABASE_URL }: Environment): App {
  const store = openStoreAt(DATABASE_URL, {
    // Nobody is there to do it: the platform's cron calls `scheduled`.
    maintenance: false,
    onOrphan: (task) => tasks.orphaned(task),
    // No connection that listens: instances that wait look for themselves.
    hints: "poll",
    onError: console.error,
  });
  const tasks: TasksExtension = new TasksExtension(store, {
    tools,
    // The tool goes on when the answer has left.
    waitUntil: (work) => current.getStore()?.waitUntil(work),
    // A stream keeps an instance busy, and the bill running: few of them, and clients poll.
    maxSubscriptionsPerPrincipal: 4,
    onError: console.error,
  });
  const handler = createMcpHandler((context) => {
    const mcp = new McpServer({ name: "example-serverless", version: "1.0.0" });
    tasks.attach(mcp, context);
    return mcp;
  });
  return { store, fetchMcp: tasks.wrapFetch(handler.fetch) };
}

export const serverless: Serverless = {
  async fetch(request, environment, invocation) {
    const authInfo = await authenticate(request.headers.get("authorization"));
    if (authInfo instanceof Response) return authInfo;
    const { fetchMcp } = (app ??= open(environment));
    return await current.run(invocation, () => fetchMcp(request, { authInfo }));
  },

  async scheduled(_event, environment, invocation) {
    const { store } = (app ??= open(environment));
    await current.run(invocation, async () => {
      while ((await store.maintain()).more);
    });
  },
};
