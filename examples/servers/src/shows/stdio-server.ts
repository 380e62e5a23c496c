/** What stdio.ts shows: the same over a pipe. */
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { join } from "node:path";
import { pollUntil } from "@mcp-task-store/services";
import { PATIENCE_MS } from "../harness/child.ts";
import type { Show } from "../harness/show.ts";
import { TaskClient } from "../task-client.ts";
import { approve, callAndListen } from "./http-server.ts";

export const stdioServer: Show = {
  title: "stdio: over a pipe, for one user",
  needs: undefined,
  play: async (stage) => {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [join(import.meta.dirname, "..", "stdio.ts")],
      env: stage.databaseUrl === undefined ? {} : { DATABASE_URL: stage.databaseUrl },
    });
    const client = stage.use(await TaskClient.connect(transport));
    await callAndListen(stage, client);
    await approve(stage, client);
    const { pid } = transport;
    await client.close();
    await pollUntil(() => pid === null || !isAlive(pid), { what: "the server's end", deadlineMs: PATIENCE_MS });
    stage.say("the client has gone, and the server with it");
  },
};

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
