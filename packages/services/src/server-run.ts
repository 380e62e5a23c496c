/** The frame around servers of one group: their directory, and the watchdog that outlives this process. */
import {
  createRunDirectory,
  removeRunDirectory,
  type RunDirectory,
  type RunDirectoryOptions,
  type ServerKind,
  sweepDeadRuns,
} from "./run-directory.ts";
import { startWatchdog } from "./start-watchdog.ts";

export interface ServerRun {
  readonly directory: RunDirectory;
  /** Removes the directory. The processes in it must have ended. */
  close(): Promise<void>;
}

/** Removes what dead runs left, besides. */
export async function openRun(kind: ServerKind, options: RunDirectoryOptions = {}): Promise<ServerRun> {
  await sweepDeadRuns(options);
  const directory = createRunDirectory(kind, options);
  const watchdog = startWatchdog();
  watchdog.watch("directory", directory.path);
  return {
    directory,
    close: async () => {
      removeRunDirectory(directory.path);
      await watchdog.done();
    },
  };
}
