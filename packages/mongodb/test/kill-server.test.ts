import { describe } from "vitest";
import { mongoIsLeftOut, startMongo } from "@mcp-task-store/services";
import { describeKilledServer, type KillableServer } from "../../../conformance/test/adapter-tests/killed-server.ts";
import { createMongoTaskStore } from "../src/index.ts";

async function start(): Promise<KillableServer> {
  // The server of MONGODB_URL is not ours to kill.
  const given = (process.env["MONGODB_URL"] ?? "") !== "";
  const service = await startMongo(given ? { origin: "stand-in" } : {});
  return {
    open: (options, polls) =>
      createMongoTaskStore({
        ...options,
        connectionString: service.url,
        clientOptions: { heartbeatFrequencyMS: 500 },
        hints: polls ? "poll" : "stream",
      }),
    kill: () => service.kill("SIGKILL"),
    restart: () => service.restart(),
    stop: () => service.stop(),
  };
}

describe.skipIf(mongoIsLeftOut())("on MongoDB", () => {
  describeKilledServer(start);
});
