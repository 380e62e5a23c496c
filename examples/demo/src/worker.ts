/**
 * A worker process: `node worker.ts NAME`, with STORE_URL set. Task ids arrive over the IPC channel;
 * when that closes, the worker ends.
 */
import { openStoreAt } from "@mcp-task-store/backends";
import type { FromWorker, ToWorker } from "./workers/messages.ts";
import { quietStoreOptions } from "./store-options.ts";
import { WorkerLoop } from "./workers/worker-loop.ts";

const CLOSE_MS = 1_000;

const name = process.argv[2] ?? `worker ${process.pid}`;
const store = openStoreAt(process.env["STORE_URL"], quietStoreOptions);
const send = (message: FromWorker): void => {
  // The demo may be gone by now; then nobody listens.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
};
const loop = new WorkerLoop({ name, store, send });

process.on("message", (message: ToWorker) => loop.receive(message));
process.once("disconnect", () => {
  // Whatever it was doing is given up: leases run out, and another worker takes over.
  setTimeout(() => process.exit(1), 2 * CLOSE_MS).unref();
  void store.close({ graceMs: CLOSE_MS }).finally(() => process.exit(0));
});
// Ctrl-C in a terminal reaches every process of the demo. The client ends first and closes the channel.
process.on("SIGINT", () => undefined);

send({ type: "ready" });
