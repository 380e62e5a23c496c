/** A MongoDB server, or its stand-in, as a child process of this one. */
import { freePort } from "./free-port.ts";
import { mongoIsReady } from "./mongo-client.ts";
import { createRunDirectory, removeRunDirectory, sweepDeadRuns } from "./run-directory.ts";
import type { ServerControl } from "./server-control.ts";
import { isRunning, killAll, launch, onFreePort, shutDown, withStartRetries } from "./server-process.ts";
import { startWatchdog } from "./start-watchdog.ts";

const HOST = "127.0.0.1";
const STOP_SIGNALS = ["SIGTERM"] as const;

export interface MongoProgram {
  readonly command: string;
  readonly args: (port: number, dataDirectory: string) => readonly string[];
  /** After the first start: makes it a replica set, say. */
  readonly prepare?: (url: string, port: number) => Promise<void>;
  readonly isReady?: (url: string) => Promise<boolean>;
  /** For people. */
  readonly description: string;
}

export async function startMongoProcess(program: MongoProgram): Promise<ServerControl> {
  await sweepDeadRuns();
  const directory = createRunDirectory("mongodb");
  const watchdog = startWatchdog();
  watchdog.watch("directory", directory.path);
  const cleanUp = async (): Promise<void> => {
    removeRunDirectory(directory.path);
    await watchdog.done();
  };
  // Direct: what a client is told about the set's members would lead it past a proxy in a test.
  const urlOf = (port: number): string => `mongodb://${HOST}:${port}/?directConnection=true`;
  const launchOn = (port: number): ReturnType<typeof launch> =>
    launch({
      name: `${program.description} on port ${port}`,
      command: program.command,
      args: program.args(port, directory.dataDirectory),
      directory,
      logFile: directory.logFile,
      isReady: () => (program.isReady ?? mongoIsReady)(urlOf(port)),
    });
  try {
    const first = await onFreePort(async (port) => ({ port, child: await launchOn(port) }), freePort);
    const { port } = first;
    let { child } = first;
    const url = urlOf(port);
    await program.prepare?.(url, port);
    let stopped: Promise<void> | undefined;
    return {
      url,
      description: program.description,
      isRunning: () => isRunning(child),
      restart: async () => {
        if (stopped !== undefined) throw new Error("the server was stopped for good");
        await shutDown(child, STOP_SIGNALS);
        child = await withStartRetries(() => launchOn(port));
      },
      kill: () => killAll(child),
      stop: () => (stopped ??= shutDown(child, STOP_SIGNALS).then(cleanUp)),
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}
