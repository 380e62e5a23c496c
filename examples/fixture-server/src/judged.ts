/** Starts the server, lets the kit judge it as any other server, and says how it went. */
import { describeReport, exitCodeOf } from "@mcp-task-store/conformance";
import { judgeServer } from "@mcp-task-store/conformance/server";
import { startFixtureServer } from "./fixture-server.ts";

await using server = await startFixtureServer();
const report = await judgeServer(server.url, {
  headers: { Authorization: "Bearer alice" },
  otherHeaders: { Authorization: "Bearer bob" },
  anonymous: true,
});
console.log(describeReport(report));
process.exitCode = exitCodeOf(report);
