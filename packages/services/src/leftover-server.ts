/** Stops servers whose runner is gone, and only those: a process is signalled when it serves the given directory. */
import { appendFileSync, readFileSync } from "node:fs";
import { pollUntil } from "./poll-until.ts";
import { commandLine, isAlive } from "./processes.ts";

/** Where the runner notes the processes it starts. */
interface Records {
  readonly processesFile: string;
  /** Stands in the command line of each of them. */
  readonly dataDirectory: string;
}

/**
 * In the same tick in which it was started: a runner that dies a moment later must have said so. Only one that is killed
 * between the two leaves a process that nobody knows of.
 */
export function recordProcess({ processesFile }: Records, pid: number | undefined): void {
  if (pid !== undefined) appendFileSync(processesFile, `${pid}\n`);
}

/** Ends the living processes of this directory without a checkpoint, since their data goes too. */
export async function stopLeftovers({ processesFile, dataDirectory }: Records): Promise<void> {
  await Promise.all(recordedProcesses(processesFile).map((pid) => stopLeftover(pid, dataDirectory)));
}

function recordedProcesses(file: string): readonly number[] {
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    return [...new Set(lines.map(Number))].filter((pid) => Number.isInteger(pid) && pid > 0);
  } catch {
    return []; // none was started
  }
}

/** True while this process is one we started for this directory, and not one that got its number later. */
function serves(pid: number, dataDirectory: string): boolean {
  return isAlive(pid) && (commandLine(pid)?.includes(dataDirectory) ?? false);
}

/** By force when it does not listen. Postgres ends its children at SIGQUIT, so that comes first. */
async function stopLeftover(pid: number, dataDirectory: string): Promise<void> {
  const what = `process ${pid} to end`;
  for (const signal of ["SIGQUIT", "SIGKILL"] as const) {
    if (!serves(pid, dataDirectory)) return;
    process.kill(pid, signal);
    process.kill(pid, "SIGCONT"); // one that was paused would never see it
    try {
      await pollUntil(() => !serves(pid, dataDirectory), { what, deadlineMs: 5_000 });
      return;
    } catch {
      // the next signal
    }
  }
}
