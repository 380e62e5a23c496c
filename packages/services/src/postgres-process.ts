/** One Postgres server as child processes of this one. The same code for every installation. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { readServerRecord } from "./leftover-server.ts";
import { pollUntil } from "./poll-until.ts";
import { type PostgresInstallation, runnablePrograms } from "./postgres-installation.ts";
import { childrenOf, isAlive } from "./processes.ts";
import { createRunDirectory, removeRunDirectory, type RunDirectory, sweepDeadRuns } from "./run-directory.ts";
import { type ServerAccount, serverAccount } from "./server-account.ts";
import type { ServerControl } from "./server-control.ts";
import { startWatchdog, type Watchdog } from "./start-watchdog.ts";

const run = promisify(execFile);

const START_ATTEMPTS = 10;
const READY_MS = 60_000;

export interface ServerSettings {
  /** See PostgresOptions.fast. */
  readonly fast: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

interface Server extends ServerSettings {
  readonly programs: string;
  readonly account: ServerAccount | undefined;
  readonly directory: RunDirectory;
  readonly watchdog: Watchdog;
}

export async function startPostgresProcess(
  installation: PostgresInstallation,
  settings: ServerSettings,
): Promise<ServerControl & { readonly directory: string; readonly watchdogPid: number | undefined }> {
  const account = serverAccount();
  await sweepDeadRuns(account);
  const directory = createRunDirectory(account);
  const watchdog = startWatchdog();
  watchdog.watch("directory", directory.path);
  const cleanUp = async (): Promise<void> => {
    removeRunDirectory(directory.path);
    await watchdog.done();
  };
  try {
    const programs = await runnablePrograms(installation, account, join(directory.path, "programs"));
    const server: Server = { ...settings, programs, account, directory, watchdog };
    const password = await initialize(server);
    const { port, child } = await launchOnFreePort(server);
    return {
      ...controlOf(server, port, child, cleanUp),
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      description: `${installation.origin}, ${installation.description}`,
      directory: directory.path,
      watchdogPid: watchdog.pid,
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

function controlOf(
  server: Server,
  port: number,
  firstChild: ChildProcess,
  cleanUp: () => Promise<void>,
): Pick<ServerControl, "isRunning" | "restart" | "kill" | "stop"> {
  let child = firstChild;
  let stopped: Promise<void> | undefined;
  return {
    isRunning: () => isRunning(child),
    restart: async () => {
      if (stopped !== undefined) throw new Error("the server was stopped for good");
      await shutDown(child);
      child = await launchWithRetries(server, () => port);
    },
    kill: () => killAll(child),
    stop: () => (stopped ??= shutDown(child).then(cleanUp)),
  };
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
  const execute = async (extra: readonly string[]): Promise<void> => {
    const running = run(join(programs, "initdb"), [...args, ...extra], spawnOptions(server));
    server.watchdog.watch("process", running.child.pid);
    await running;
  };
  try {
    // Servers before 15 and builds without ICU refuse, before they write anything.
    await execute(linguistic).catch(() => execute([]));
  } finally {
    rmSync(passwordFile, { force: true });
  }
  return password;
}

async function launchOnFreePort(server: Server): Promise<{ port: number; child: ChildProcess }> {
  let port = await freePort();
  const child = await launchWithRetries(
    server,
    () => port,
    async () => {
      port = await freePort();
    },
  );
  return { port, child };
}

/** A port somebody took in between, or memory that dying processes still hold, is a reason to try again. */
async function launchWithRetries(
  server: Server,
  port: () => number,
  beforeRetry: () => Promise<void> = () => delay(200),
): Promise<ChildProcess> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(server, port());
    } catch (error) {
      const text = error instanceof Error ? error.message : "";
      const passing = /could not bind|already in use|could not create any TCP|still in use/i.test(text);
      if (!passing || attempt === START_ATTEMPTS) throw error;
      await beforeRetry();
    }
  }
}

async function launch(server: Server, port: number): Promise<ChildProcess> {
  const { directory, programs, watchdog } = server;
  writeFileSync(directory.logFile, "");
  const log = openSync(directory.logFile, "a");
  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    // None: a path in a deep temporary folder exceeds what a socket's name can hold.
    unix_socket_directories: "",
    max_connections: "200",
    // Without them a killed server still keeps what it acknowledged (the system has it); a dead machine does not.
    ...(server.fast ? { fsync: "off", full_page_writes: "off" } : {}),
    ...server.settings,
  };
  const child = spawn(
    join(programs, "postgres"),
    [
      "-D",
      directory.dataDirectory,
      "-p",
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    // Its own session: Ctrl-C in the terminal must not end it under the feet of a test that is being torn down.
    { ...spawnOptions(server), detached: true, stdio: ["ignore", log, log] },
  );
  watchdog.watch("process", child.pid);
  closeSync(log);
  child.unref();
  let spawnError: Error | undefined;
  child.once("error", (error) => {
    spawnError = error;
  });
  try {
    await pollUntil(
      () => {
        if (spawnError !== undefined) throw spawnError;
        if (!isRunning(child)) throw new Error("it ended");
        const record = readServerRecord(directory.dataDirectory);
        return record?.pid === child.pid && record?.ready;
      },
      { what: "the server to take connections", deadlineMs: READY_MS },
    );
  } catch (cause) {
    await killAll(child);
    const lines = readFileSync(directory.logFile, "utf8").trim().split("\n").slice(-12).join("\n");
    throw new Error(`Postgres did not start on port ${port}\n${lines}`, { cause });
  }
  return child;
}

/** Nothing of this process's environment: PGPORT, PGDATA and their kin would change what is started. */
function spawnOptions({ account, directory }: Server): {
  cwd: string;
  env: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
} {
  return {
    cwd: directory.path,
    env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" },
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  };
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Fast shutdown: open transactions are rolled back, acknowledged ones are on disk. */
async function shutDown(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const gone = once(child, "exit");
  child.ref();
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    child.kill(signal);
    if (await Promise.race([gone.then(() => true), delay(10_000, false, { ref: false })])) return;
  }
  await killAll(child);
}

/**
 * The server first, so that it starts no new ones, then its children: each has its own session, and a statement under
 * way would otherwise run to its end, even commit, after the "power cut".
 */
async function killAll(child: ChildProcess): Promise<void> {
  if (!isRunning(child) || child.pid === undefined) return;
  const gone = once(child, "exit");
  child.ref();
  const children = childrenOf(child.pid);
  child.kill("SIGKILL");
  for (const pid of children) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it saw that its server is gone, and left by itself
    }
  }
  await gone;
  await pollUntil(() => !children.some(isAlive), { what: "the server's children to end" });
}
