import { describe } from "vitest";
import { postgresIsLeftOut, startPostgres } from "@mcp-task-store/services";
import { describeKilledServer, type KillableServer } from "../../../conformance/test/adapter-tests/killed-server.ts";
import { createPostgresTaskStore } from "../src/index.ts";

async function start(): Promise<KillableServer> {
  // The server of POSTGRES_URL is not ours to kill.
  const given = (process.env["POSTGRES_URL"] ?? "") !== "";
  const service = await startPostgres(given ? { origin: "embedded" } : {});
  return {
    open: (options, polls) =>
      createPostgresTaskStore({ ...options, connectionString: service.url, hints: polls ? "poll" : "listen" }),
    kill: () => service.kill("SIGKILL"),
    restart: () => service.restart(),
    stop: () => service.stop(),
  };
}

describe.skipIf(postgresIsLeftOut())("on Postgres", () => {
  describeKilledServer(start);
});
