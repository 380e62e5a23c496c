/** One server program as a child process of this one: start, ready, stop, "power cut". The same for every server. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { recordProcess } from "./leftover-server.ts";
import { pollUntil } from "./poll-until.ts";
import { childrenOf, isAlive } from "./processes.ts";
import type { RunDirectory } from "./run-directory.ts";
import type { ServerAccount } from "./server-account.ts";

const START_ATTEMPTS = 10;
const READY_MS = 60_000;
/** For each of a server's stop signals. */
const STOP_MS = 10_000;

export interface ServerProgram {
  /** For the message of a failure. */
  readonly name: string;
  readonly command: string;
  /** Its own name for itself, where that decides what it does. @default command */
  readonly argv0?: string;
  /** One of them holds the run directory's path, by which a leftover is known. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly directory: RunDirectory;
  readonly account?: ServerAccount | undefined;
  /** What it writes to stdout and stderr. */
  readonly logFile: string;
  /** True once it takes connections; asked again and again while it runs. */
  readonly isReady: (pid: number) => Promise<boolean> | boolean;
}

/** Starts it and waits until it is ready. @throws Error with the end of its log */
export async function launch(program: ServerProgram): Promise<ChildProcess> {
  writeFileSync(program.logFile, "");
  const log = openSync(program.logFile, "a");
  const child = spawn(program.command, program.args, {
    ...spawnOptions(program),
    argv0: program.argv0 ?? program.command,
    // Its own session: Ctrl-C in the terminal must not end it under the feet of a test that is being torn down.
    detached: true,
    stdio: ["ignore", log, log],
  });
  recordProcess(program.directory, child.pid);
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
        if (child.pid === undefined || !isRunning(child)) throw new Error("it ended");
        return program.isReady(child.pid);
      },
      { what: "the server to take connections", deadlineMs: READY_MS },
    );
  } catch (cause) {
    await killAll(child);
    const lines = readFileSync(program.logFile, "utf8").trim().split("\n").slice(-12).join("\n");
    throw new Error(`${program.name} did not start\n${lines}`, { cause });
  }
  return child;
}

/** Nothing of this process's environment: PGPORT, PYTHONPATH and their kin would change what is started. */
export function spawnOptions({ account, directory, env }: Pick<ServerProgram, "account" | "directory" | "env">): {
  cwd: string;
  env: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
} {
  return {
    cwd: directory.path,
    env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC", ...env },
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  };
}

/** A port somebody took in between, or memory that dying processes still hold, is a reason to try again. */
export async function withStartRetries<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      const text = error instanceof Error ? error.message : "";
      const passing = /could not bind|in use|could not create any TCP|failed listening/i.test(text);
      if (!passing || attempt === START_ATTEMPTS) throw error;
      await delay(200);
    }
  }
}

/** Starts it on a port that is free, and on another one when somebody was quicker. */
export function onFreePort<T>(
  start: (port: number) => Promise<T>,
  findPort: () => Promise<number> = freePort,
): Promise<T> {
  return withStartRetries(async () => start(await findPort()));
}

export function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** In good order: what was acknowledged is on disk. */
export async function shutDown(child: ChildProcess, signals: readonly NodeJS.Signals[]): Promise<void> {
  if (!isRunning(child)) return;
  const gone = once(child, "exit");
  child.ref();
  for (const signal of signals) {
    child.kill(signal);
    // One that was paused would never see it.
    child.kill("SIGCONT");
    if (await Promise.race([gone.then(() => true), delay(STOP_MS, false, { ref: false })])) return;
  }
  await killAll(child);
}

/**
 * The server first, so that it starts no new ones, then its children: each has its own session, and a statement under
 * way would otherwise run to its end, even commit, after the "power cut".
 */
export async function killAll(child: ChildProcess): Promise<void> {
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
