/** A MongoDB server, or its stand-in, as a child process of this one. */
import { mongoIsReady, withMongo } from "./mongo-client.ts";
import { createRunDirectory, removeRunDirectory, sweepDeadRuns } from "./run-directory.ts";
import type { PausableControl } from "./server-control.ts";
import { isRunning, killAll, launch, onFreePort, shutDown, withStartRetries } from "./server-process.ts";
import type { StandInInstallation } from "./stand-in-installation.ts";
import { startWatchdog } from "./start-watchdog.ts";

const HOST = "127.0.0.1";
const REPLICA_SET = "mcp-task-store";
const STOP_SIGNALS = ["SIGTERM"] as const;

export interface MongoProgram {
  readonly command: string;
  readonly args: (port: number, dataDirectory: string) => readonly string[];
  /** True once it takes writes; asked again and again. */
  readonly isReady: (port: number) => Promise<boolean>;
  /** For people. */
  readonly description: string;
}

/** Direct: what a client is told about the set's members would lead it past a proxy in a test. */
export function mongoUrl(port: number): string {
  return `mongodb://${HOST}:${port}/?directConnection=true`;
}

export function mongodProgram(command: string, description: string): MongoProgram {
  return {
    command,
    args: (port, data) => [...mongodArguments(port), "--dbpath", data, "--bind_ip", HOST, "--nounixsocket"],
    isReady: mongodIsReady,
    description,
  };
}

/** A replica set of one node from the start. */
export function standInProgram({ command, args, description }: StandInInstallation): MongoProgram {
  return {
    command,
    args: (port, data) => [
      ...args,
      `--host=${HOST}`,
      `--port=${port}`,
      `--storage-path=${data}`,
      // Without it acknowledged writes are lost when the server is killed.
      "--sync-on-commit",
    ],
    isReady: (port) => mongoIsReady(mongoUrl(port)),
    description: `stand-in, ${description}`,
  };
}

/** A replica set of one node, since a lone server has no change streams. */
export function mongodArguments(port: number): readonly string[] {
  return [
    "--port",
    String(port),
    "--replSet",
    REPLICA_SET,
    // For clients that are leaving; the default is 15 s at each restart.
    "--setParameter",
    "shutdownTimeoutMillisForSignaledShutdown=100",
  ];
}

/** At its first start it belongs to no set yet and waits to be told. */
export async function mongodIsReady(port: number): Promise<boolean> {
  try {
    return await withMongo(mongoUrl(port), async (client) => {
      const admin = client.db("admin");
      const hello = await admin.command({ hello: 1 });
      if (hello["isreplicaset"] === true) {
        const members = [{ _id: 0, host: `${HOST}:${port}` }];
        await admin.command({ replSetInitiate: { _id: REPLICA_SET, members } });
      }
      return hello["isWritablePrimary"] === true;
    });
  } catch {
    return false;
  }
}

export async function startMongoProcess(program: MongoProgram): Promise<PausableControl> {
  await sweepDeadRuns();
  const directory = createRunDirectory("mongodb");
  const watchdog = startWatchdog();
  watchdog.watch("directory", directory.path);
  const cleanUp = async (): Promise<void> => {
    removeRunDirectory(directory.path);
    await watchdog.done();
  };
  const launchOn = (port: number): ReturnType<typeof launch> =>
    launch({
      name: `${program.description} on port ${port}`,
      command: program.command,
      args: program.args(port, directory.dataDirectory),
      // Settings of this account are not for a test.
      env: { HOME: directory.path },
      directory,
      logFile: directory.logFile,
      isReady: () => program.isReady(port),
    });
  try {
    const first = await onFreePort(async (port) => ({ port, child: await launchOn(port) }));
    const { port } = first;
    let { child } = first;
    let stopped: Promise<void> | undefined;
    return {
      url: mongoUrl(port),
      description: program.description,
      isRunning: () => isRunning(child),
      restart: async () => {
        if (stopped !== undefined) throw new Error("the server was stopped for good");
        await shutDown(child, STOP_SIGNALS);
        child = await withStartRetries(() => launchOn(port));
      },
      kill: () => killAll(child),
      pause: async () => void child.kill("SIGSTOP"),
      resume: async () => void child.kill("SIGCONT"),
      // Its data goes too, so there is nothing to wait for.
      stop: () => (stopped ??= killAll(child).then(cleanUp)),
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}
