/** A store behind a proxy that breaks its connections, and another one whose connections hold. */
import { afterAll, beforeAll, beforeEach, onTestFinished } from "vitest";
import { type TcpProxy, tcpProxy } from "@mcp-task-store/services";
import type { TaskStore } from "@mcp-task-store/core";
import { createPostgresTaskStore, type PgConfigLike } from "../src/index.ts";
import { configOf, SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

/** Of calls: enough for what happens to their connection meanwhile, on a busy machine too. */
const LONG_MS = 15_000;

export interface BreakingConnection {
  readonly database: ScratchDatabase;
  /** Somebody else, whose connections hold. */
  readonly other: TaskStore;
  readonly proxy: TcpProxy;
  /** The store whose connections break. It has one, and knows the server's clock. */
  readonly store: TaskStore;
}

export function openStore(config: PgConfigLike, callTimeoutMs: number = LONG_MS): TaskStore {
  return createPostgresTaskStore({ config, schema: SCHEMA, hints: "poll", maintenance: false, callTimeoutMs });
}

/** Sets up each test of a `describe`: one database for all, a proxy and a store for each. @param take gets them */
export function onBreakingConnections(take: (connection: BreakingConnection) => void): void {
  let database: ScratchDatabase;
  let other: TaskStore;
  beforeAll(async () => {
    database = await scratchDatabase();
    other = openStore(configOf(database.url));
  });
  afterAll(async () => {
    await other.close();
    await database[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    const proxy = await tcpProxy({ target: database.url });
    const store = openStore(configOf(proxy.through(database.url)));
    onTestFinished(async () => {
      await store.close({ graceMs: 0 });
      await proxy.close();
    });
    await store.getTask("warm-up");
    take({ database, other, proxy, store });
  });
}

/** What a call ended with: its value, or its error. */
export async function settled(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );
}
