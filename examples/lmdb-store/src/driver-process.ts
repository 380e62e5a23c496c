/** A process with drivers that another one has the use of: for tests that need several processes, and that kill them. */
import type { TaskDriver } from "@mcp-task-store/core";
import { type Call, carryOut } from "./driver-calls.ts";
import { createLmdbDriver } from "./lmdb-driver.ts";

const drivers = new Map<number, TaskDriver>();

async function answer(id: string, call: Call): Promise<void> {
  const driver = drivers.get(call.handle) ?? createLmdbDriver(call.path);
  drivers.set(call.handle, driver);
  process.send?.([id, JSON.stringify(await carryOut(driver, call))]);
}

process.on("message", ([id, text]: [string, string]) => void answer(id, JSON.parse(text)));
// Without the process that uses the drivers nobody needs them.
process.on("disconnect", () => process.exit());
