/** A MongoDB server, or its stand-in, as a child process of this one. */
import { connect } from "node:net";
import { mongoIsReady, withMongo } from "./mongo-client.ts";
import type { PausableControl } from "./server-control.ts";
import { launch, onFreePort } from "./server-process.ts";
import { openRun } from "./server-run.ts";
import type { StandInInstallation } from "./stand-in-installation.ts";
import { StartedServer } from "./started-server.ts";

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
  const run = await openRun("mongodb");
  const { directory } = run;
  try {
    const { port, started } = await onFreePort(async (each) => {
      const launchIt = (): ReturnType<typeof launch> =>
        launch({
          name: `${program.description} on port ${each}`,
          command: program.command,
          args: program.args(each, directory.dataDirectory),
          // Settings of this account are not for a test.
          env: { HOME: directory.path },
          directory,
          logFile: directory.logFile,
          isReady: async () => (await takesConnections(each)) && program.isReady(each),
        });
      const options = { launch: launchIt, stopSignals: STOP_SIGNALS };
      return { port: each, started: new StartedServer(await launchIt(), options) };
    });
    let stopped: Promise<void> | undefined;
    return {
      url: mongoUrl(port),
      description: program.description,
      isRunning: () => started.isRunning(),
      restart: () => started.restart(),
      kill: () => started.kill(),
      pause: () => started.pause(),
      resume: () => started.resume(),
      stop: () => (stopped ??= started.end("at once").then(() => run.close())),
    };
  } catch (error) {
    await run.close();
    throw error;
  }
}

/** Cheaper than the driver, which looks for a server in its own steps of half a second. */
function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    const answer = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
  });
}
