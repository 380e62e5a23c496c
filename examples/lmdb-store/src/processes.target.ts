/**
 * The same store in two processes that the kit may kill, as a power cut would: two handles are two processes. For the kit:
 * `mcp-task-store-conformance run examples/lmdb-store/src/processes.target.ts`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { driverTarget, type Target } from "@mcp-task-store/conformance/targets";
import { DriverProcess } from "./remote-drivers.ts";

const directory = mkdtempSync(join(tmpdir(), "lmdb-store-"));
const processes = [new DriverProcess(), new DriverProcess()] as const;
const handles = new Map<string, number>();

async function kill(): Promise<void> {
  await Promise.all(processes.map((each) => each.kill()));
}

export const target: Target = driverTarget({
  name: "lmdb in two processes",
  file: import.meta.filename,
  open(namespaceId) {
    const before = handles.get(namespaceId) ?? 0;
    handles.set(namespaceId, before + 1);
    return processes[before % 2 === 0 ? 0 : 1].driver(join(directory, namespaceId));
  },
  restart: kill,
  async close() {
    await kill();
    rmSync(directory, { recursive: true });
  },
});
