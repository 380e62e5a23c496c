/** A server of its own, whose connections a test breaks, and whose writes it holds. */
import { Redis } from "ioredis";
import { pollUntil, startRedis } from "@mcp-task-store/services";
import type { BreakableServer } from "../../../conformance/test/adapter-tests/breakable.ts";
import { createRedisTaskStore } from "../src/index.ts";
import { scratchRedis } from "./scratch-redis.ts";

const KEY_PREFIX = "breakable:";
const LONG_MS = 600_000;

export async function breakableRedis(): Promise<BreakableServer> {
  const service = await startRedis({ fast: true, notFrom: ["env"] });
  const scratch = await scratchRedis({ url: service.url, keyPrefix: KEY_PREFIX });
  // Leaves the scripts with the server: an answer that is lost is then that of a script, not that it is unknown.
  await scratch.driver.setup();
  const control = new Redis(service.url);
  /** Of the connection whose command waits. */
  const waiting = async (): Promise<string | undefined> => {
    const list = String(await control.client("LIST"));
    return /^id=(\d+) .* flags=\w*b/m.exec(list)?.[1];
  };
  return {
    target: service.url,
    stored: (taskId) => scratch.stored(taskId),
    openStore: (callTimeoutMs, proxy) =>
      createRedisTaskStore({
        connectionString: proxy === undefined ? service.url : proxy.through(service.url),
        keyPrefix: KEY_PREFIX,
        hints: "poll",
        maintenance: false,
        callTimeoutMs,
      }),
    async hold() {
      // Every script might write.
      await control.call("CLIENT", "PAUSE", LONG_MS, "WRITE");
      let id: string | undefined;
      return {
        async untilWaiting() {
          id = await pollUntil(waiting, { what: "the write to wait" });
        },
        async lose() {
          await control.client("KILL", "ID", id ?? "");
        },
        async release() {
          await control.client("UNPAUSE");
        },
      };
    },
    async untilCaughtUp(store) {
      // The connection that was silent is still used: what was sent before comes first.
      await store.getTask("behind it");
    },
    async [Symbol.asyncDispose]() {
      control.disconnect();
      await scratch[Symbol.asyncDispose]();
      await service.stop();
    },
  };
}
