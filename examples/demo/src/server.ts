/**
 * The MCP server as a process: `node server.ts PORT`, with STORE_URL set. The ids of tasks to run
 * leave over the IPC channel; when that closes, the server ends.
 */
import { openStoreAt } from "@mcp-task-store/backends";
import type { FromServer } from "./server/messages.ts";
import { serveTasks } from "./server/serve-tasks.ts";
import { asError } from "./within.ts";

const END_MS = 3_000;

const send = (message: FromServer): void => {
  // The demo may be gone by now; then nobody listens.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
};
const served = await serveTasks({
  openStore: (options) => openStoreAt(process.env["STORE_URL"], options),
  port: Number(process.argv[2] ?? 0),
  dispatch: (taskId, reason) => send({ type: "dispatch", taskId, reason }),
  onError: (error) => send({ type: "trouble", text: asError(error).message }),
});

process.once("disconnect", () => {
  setTimeout(() => process.exit(1), END_MS).unref();
  void served.close().finally(() => process.exit(0));
});
// Ctrl-C in a terminal reaches every process of the demo. The client ends first and closes the channel.
process.on("SIGINT", () => undefined);

send({ type: "listening", port: served.port });
