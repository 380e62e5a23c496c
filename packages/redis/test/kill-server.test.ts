import { describe } from "vitest";
import { redisIsLeftOut, startRedis } from "@mcp-task-store/services";
import { describeKilledServer, type KillableServer } from "../../../conformance/test/adapter-tests/killed-server.ts";
import { createRedisTaskStore } from "../src/index.ts";

/** With appendfsync always: what it acknowledged is on its disk. */
async function start(): Promise<KillableServer> {
  // The server of REDIS_URL is not ours to kill.
  const service = await startRedis({ notFrom: ["env"] });
  return {
    open: (options, polls) =>
      createRedisTaskStore({
        ...options,
        connectionString: service.url,
        durable: true,
        hints: polls ? "poll" : "pubsub",
      }),
    kill: () => service.kill("SIGKILL"),
    restart: () => service.restart(),
    stop: () => service.stop(),
  };
}

describe.skipIf(redisIsLeftOut())("on Redis", () => {
  describeKilledServer(start);
});
