/** The run's server, with connections that a test breaks, and writes that it holds. */
import type { CommandStartedEvent } from "mongodb";
import { pollUntil } from "@mcp-task-store/services";
import type { BreakableServer, HeldWrites } from "../../../conformance/test/adapter-tests/breakable.ts";
import { createMongoTaskStore } from "../src/index.ts";
import { COLLECTION, scratchMongo } from "./scratch-mongo.ts";
import type { TcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

/** How soon a client finds out that a server is there again. */
const HEARTBEAT_MS = 500;

export async function breakableMongo(): Promise<BreakableServer> {
  const scratch = await scratchMongo();
  /** The task of the last change that went through a proxy. */
  let changed = "";
  /** Told of the next change, right before it is sent. */
  let onChange: ((proxy: TcpProxy) => void) | undefined;

  /** A client with its usual settings, retryable writes included: the store is not to rely on any. */
  function clientThrough(proxy: TcpProxy | undefined): ReturnType<typeof scratch.client> {
    if (proxy === undefined) return scratch.client();
    const client = scratch.client(
      { monitorCommands: true, heartbeatFrequencyMS: HEARTBEAT_MS, connectTimeoutMS: 2_000 },
      proxy.through(scratch.url),
    );
    client.on("commandStarted", ({ commandName, command }: CommandStartedEvent) => {
      if (commandName !== "findAndModify") return;
      changed = String(command["query"]._id.$eq);
      onChange?.(proxy);
    });
    return client;
  }

  return {
    target: scratch.url,
    stored: (taskId) => scratch.stored(taskId),
    openStore: (callTimeoutMs, proxy) =>
      createMongoTaskStore({
        client: clientThrough(proxy),
        database: scratch.database,
        collection: COLLECTION,
        hints: "poll",
        maintenance: false,
        callTimeoutMs,
      }),
    // No server can be told to let writes wait: the first one waits in the proxy, which is as far as it ever gets.
    async hold(): Promise<HeldWrites> {
      const held = new Promise<TcpProxy>((resolve) => {
        onChange = (proxy) => {
          onChange = undefined;
          proxy.freeze();
          resolve(proxy);
        };
      });
      return {
        async untilWaiting() {
          await held;
        },
        async lose() {
          const proxy = await held;
          // The test may have cut it off itself, and goes on from there.
          if (proxy.isCut) return;
          proxy.cut();
          proxy.heal();
        },
        async release() {},
      };
    },
    async untilCaughtUp() {
      // What comes too late is noted in its row.
      const late = { _id: changed, "answer.kind": { $in: ["refused", "late"] } };
      await pollUntil(async () => (await scratch.rows.countDocuments(late)) === 1, { what: "the late write" });
    },
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}
