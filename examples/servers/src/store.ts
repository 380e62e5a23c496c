/** Where the tasks of these servers live. */
import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { createRedisTaskStore } from "@mcp-task-store/redis";
import { addressOf } from "./address.ts";

/** Short, so that one sees something happen soon. Most servers are best off with the defaults. */
const TIMES: TaskStoreOptions = { leaseMs: 5_000, claimWithinMs: 2_000, maintenance: { everyMs: 250 } };

/** Where DATABASE_URL says; without one, in this process's memory, which is gone with it. */
export function openStore(options: TaskStoreOptions): TaskStore {
  const url = process.env["DATABASE_URL"];
  return url === undefined ? createMemoryTaskStore({ ...TIMES, ...options }) : openStoreAt(url, options);
}

export interface StoreOptions extends TaskStoreOptions {
  /** No connection that listens: who waits looks for himself. */
  readonly hints?: "poll" | undefined;
}

/** On Postgres or Redis: other processes share it. */
export function openStoreAt(url: string | undefined, options: StoreOptions): TaskStore {
  const { kind, ...address } = addressOf(url);
  const create = kind === "redis" ? createRedisTaskStore : createPostgresTaskStore;
  return create({ ...TIMES, ...options, ...address });
}
