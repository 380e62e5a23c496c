/** One Postgres server as child processes of this one. The same code for every installation. */
import { type ChildProcess, execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { recordProcess } from "./leftover-server.ts";
import { type PostgresInstallation, runnablePrograms } from "./postgres-installation.ts";
import type { RunDirectory } from "./run-directory.ts";
import { type ServerAccount, serverAccount } from "./server-account.ts";
import type { ServerControl } from "./server-control.ts";
import { launch, onFreePort, spawnOptions } from "./server-process.ts";
import { openRun } from "./server-run.ts";
import { StartedServer } from "./started-server.ts";

const execute = promisify(execFile);

/** Fast shutdown: open transactions are rolled back, acknowledged ones are on disk. Then without a checkpoint. */
const STOP_SIGNALS = ["SIGINT", "SIGQUIT"] as const;

export interface ServerSettings {
  /** See PostgresOptions.fast. */
  readonly fast: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

interface Server extends ServerSettings {
  readonly programs: string;
  readonly account: ServerAccount | undefined;
  readonly directory: RunDirectory;
}

export async function startPostgresProcess(
  installation: PostgresInstallation,
  settings: ServerSettings,
): Promise<ServerControl> {
  const account = serverAccount();
  const run = await openRun("postgres", { account });
  const { directory } = run;
  try {
    const programs = await runnablePrograms(installation, account, join(directory.path, "programs"));
    const server: Server = { ...settings, programs, account, directory };
    const password = await initialize(server);
    const { port, started } = await onFreePort(async (each) => {
      const launch = (): Promise<ChildProcess> => launchOn(server, each);
      return { port: each, started: new StartedServer(await launch(), { launch, stopSignals: STOP_SIGNALS }) };
    });
    let stopped: Promise<void> | undefined;
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      description: `${installation.origin}, ${installation.description}`,
      isRunning: () => started.isRunning(),
      restart: () => started.restart(),
      kill: () => started.kill(),
      // Not at once: that would leave shared memory behind.
      stop: () => (stopped ??= started.end("in good order").then(() => run.close())),
    };
  } catch (error) {
    await run.close();
    throw error;
  }
}

/** Creates the data. @returns the password of the superuser */
async function initialize(server: Server): Promise<string> {
  const { programs, directory, account } = server;
  const password = randomBytes(18).toString("base64url");
  const passwordFile = join(directory.path, "password");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account !== undefined) chownSync(passwordFile, account.uid, account.gid);
  const args = [
    `--pgdata=${directory.dataDirectory}`,
    "--username=postgres",
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
  ];
  // Sorts as users' databases do, so that code which takes for granted that text sorts by bytes is found out.
  const linguistic = ["--locale-provider=icu", "--icu-locale=en-US"];
  const initdb = async (extra: readonly string[]): Promise<void> => {
    const running = execute(join(programs, "initdb"), [...args, ...extra], spawnOptions(server));
    recordProcess(directory, running.child.pid);
    await running;
  };
  try {
    // Servers before 15 and builds without ICU refuse, before they write anything.
    await initdb(linguistic).catch(() => initdb([]));
  } finally {
    rmSync(passwordFile, { force: true });
  }
  return password;
}

function launchOn(server: Server, port: number): Promise<ChildProcess> {
  const { directory, programs, account } = server;
  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    // None: a path in a deep temporary folder exceeds what a socket's name can hold.
    unix_socket_directories: "",
    max_connections: "200",
    // Without them a killed server still keeps what it acknowledged (the system has it); a dead machine does not.
    ...(server.fast ? { fsync: "off", full_page_writes: "off" } : {}),
    ...server.settings,
  };
  return launch({
    name: `Postgres on port ${port}`,
    command: join(programs, "postgres"),
    args: [
      "-D",
      directory.dataDirectory,
      "-p",
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    directory,
    account,
    logFile: directory.logFile,
    isReady: (pid) => takesConnections(directory.dataDirectory, pid),
  });
}

/** @see https://www.postgresql.org/docs/current/storage-file-layout.html postmaster.pid: line 1 the id, line 8 the state */
function takesConnections(dataDirectory: string, pid: number): boolean {
  try {
    const lines = readFileSync(join(dataDirectory, "postmaster.pid"), "utf8").split("\n");
    return Number(lines[0]) === pid && lines[7]?.trim() === "ready";
  } catch {
    return false; // not written yet
  }
}
