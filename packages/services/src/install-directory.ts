/** Installs something into a directory that several runs share, whole or not at all. */
import { execFile } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { recordProcess } from "./leftover-server.ts";
import { openRun } from "./server-run.ts";

const execute = promisify(execFile);

const STEP_MS = 900_000;

export interface Installation {
  readonly isUsable: (home: string) => Promise<boolean>;
  /**
   * Makes it in `draft`, an empty directory; it must work after it was moved. `step` runs a program that ends with this
   * process; one of its words holds the draft's path.
   */
  readonly fill: (draft: string, step: (command: string, args: readonly string[]) => Promise<void>) => Promise<void>;
}

/**
 * Makes it beside its place and moves it there in one step. So two runs may install at once, of which one prevails, and
 * one that is killed leaves nothing half done and, thanks to its watchdog, no files and no processes.
 */
export async function installDirectory(home: string, { isUsable, fill }: Installation): Promise<void> {
  const parent = dirname(home);
  const run = await openRun("mongodb", { parent });
  const { directory } = run;
  try {
    await fill(directory.dataDirectory, async (command, args) => {
      const running = execute(command, args, { timeout: STEP_MS, maxBuffer: 64 * 1024 * 1024 });
      recordProcess(directory, running.child.pid);
      await running;
    });
    // What is there and does not work makes place.
    if (existsSync(home) && !(await isUsable(home))) rmSync(home, { recursive: true, force: true });
    try {
      renameSync(directory.dataDirectory, home);
    } catch (error) {
      // Another run was quicker.
      if (!(await isUsable(home))) throw error;
    }
  } finally {
    await run.close();
  }
}
