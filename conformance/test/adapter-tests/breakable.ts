/** Stores behind a proxy that breaks their connections, and others whose connections hold. */
import { afterAll, beforeAll, beforeEach, onTestFinished } from "vitest";
import type { TaskRecord, TaskStore } from "@mcp-task-store/core";
import { type TcpProxy, tcpProxy, type TcpProxyOptions } from "../../src/wire/tcp-proxy.ts";

/** Of calls: enough for what happens to their connection meanwhile, on a busy machine too. */
const LONG_MS = 15_000;

/** A place on a server that a proxy can stand before. */
export interface BreakableServer extends AsyncDisposable {
  /** Where the proxy passes things on to. */
  readonly target: TcpProxyOptions["target"];
  /** A store without hints and without maintenance. @param proxy in its way to the server */
  openStore(callTimeoutMs: number, proxy?: TcpProxy): TaskStore;
  /** The stored row with all its fields. */
  stored(taskId: string): Promise<TaskRecord | undefined>;
  /** Lets writes reach the server and wait there. */
  hold(): Promise<HeldWrites>;
  /** Resolves when nothing that this store sent before can take effect any more. */
  untilCaughtUp(store: TaskStore, proxy: TcpProxy): Promise<void>;
}

export interface HeldWrites {
  /** Resolves when a write waits. */
  untilWaiting(): Promise<void>;
  /** Ends the connection of the write that waits: it will never take effect. */
  lose(): Promise<void>;
  /** Lets the next writes take effect. */
  release(): Promise<void>;
}

export interface BreakingConnection {
  readonly server: BreakableServer;
  /** Somebody else, whose connections hold. */
  readonly other: TaskStore;
  readonly proxy: TcpProxy;
  /** The store whose connections break. It has one, and knows the server's clock. */
  readonly store: TaskStore;
}

/** Sets up each test of a `describe`: one server for all, a proxy and a store for each. @param take gets them */
export function onBreakingConnections(
  open: () => Promise<BreakableServer>,
  take: (connection: BreakingConnection) => void,
): void {
  let server: BreakableServer;
  let other: TaskStore;
  beforeAll(async () => {
    server = await open();
    other = server.openStore(LONG_MS);
  });
  afterAll(async () => {
    await other.close();
    await server[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    const proxy = await tcpProxy({ target: server.target });
    const store = server.openStore(LONG_MS, proxy);
    onTestFinished(async () => {
      await store.close({ graceMs: 0 });
      await proxy.close();
    });
    await store.getTask("warm-up");
    take({ server, other, proxy, store });
  });
}

/** What a call ended with: its value, or its error. */
export async function settled(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );
}
