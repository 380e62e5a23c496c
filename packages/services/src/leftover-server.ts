/** Stops a server whose runner is gone, and only that: a process is signalled when it serves the given directory. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pollUntil } from "./poll-until.ts";
import { commandLine, isAlive } from "./processes.ts";

/** What a server writes about itself into its data directory. */
export interface ServerRecord {
  readonly pid: number;
  /** True once it takes connections. */
  readonly ready: boolean;
}

/** @see https://www.postgresql.org/docs/current/storage-file-layout.html postmaster.pid: line 1 the id, line 8 the state */
export function readServerRecord(dataDirectory: string): ServerRecord | undefined {
  try {
    const lines = readFileSync(join(dataDirectory, "postmaster.pid"), "utf8").split("\n");
    const pid = Number(lines[0]);
    return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === "ready" } : undefined;
  } catch {
    return undefined;
  }
}

/** The id of the living server of this directory. */
export function leftoverServer(dataDirectory: string): number | undefined {
  const record = readServerRecord(dataDirectory);
  return record !== undefined && serves(record.pid, dataDirectory) ? record.pid : undefined;
}

/** True while this process is one we started for this directory, and not one that got its number later. */
export function serves(pid: number, dataDirectory: string): boolean {
  return isAlive(pid) && (commandLine(pid)?.includes(dataDirectory) ?? false);
}

/** Ends it without a checkpoint, since its data goes too; by force when it does not listen. */
export async function stopLeftover(pid: number, dataDirectory: string): Promise<void> {
  const what = `process ${pid} to end`;
  for (const signal of ["SIGQUIT", "SIGKILL"] as const) {
    if (!serves(pid, dataDirectory)) return;
    process.kill(pid, signal);
    try {
      await pollUntil(() => !serves(pid, dataDirectory), { what, deadlineMs: 5_000 });
      return;
    } catch {
      // the next signal
    }
  }
}
