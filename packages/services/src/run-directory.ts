/**
 * Everything a started server writes lives in one directory of the system's temporary folder, which also says whose it
 * is, so that a later run can remove what a dead one left.
 */
import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, startMark } from "./processes.ts";
import type { ServerAccount } from "./server-account.ts";
import { stopLeftovers } from "./leftover-server.ts";

/** Which server it is of, so that people see it in the temporary folder. */
export type ServerKind = "postgres" | "redis" | "mongodb";

const PREFIX = "mcp-task-store-";
const RUN_DIRECTORY = /^mcp-task-store-(postgres|redis|mongodb)-/;
/** Between making a directory and naming its runner in it; older ones without a name are dead. */
const CREATION_MS = 60_000;

export interface RunDirectory {
  readonly path: string;
  readonly dataDirectory: string;
  readonly logFile: string;
  /** The ids of the processes started in it, a line each. */
  readonly processesFile: string;
}

interface Runner {
  readonly pid: number;
  readonly startMark?: string | undefined;
  /** Containers may share the temporary folder but not the process ids. */
  readonly hostname: string;
}

export interface RunDirectoryOptions {
  /** Whose it is, when the server does not run under this process's own. */
  readonly account?: ServerAccount | undefined;
  /** @default the system's temporary folder */
  readonly parent?: string | undefined;
}

export function createRunDirectory(kind: ServerKind, options: RunDirectoryOptions = {}): RunDirectory {
  const { account, parent = tmpdir() } = options;
  const path = mkdtempSync(join(parent, `${PREFIX}${kind}-`));
  const runner: Runner = { pid: process.pid, startMark: startMark(process.pid), hostname: hostname() };
  writeFileSync(join(path, "runner.json"), JSON.stringify(runner));
  const directory = runDirectoryAt(path);
  mkdirSync(directory.dataDirectory, { mode: 0o700 });
  if (account !== undefined) {
    chownSync(directory.dataDirectory, account.uid, account.gid);
    chownSync(path, account.uid, account.gid);
  }
  return directory;
}

export function runDirectoryAt(path: string): RunDirectory {
  return {
    path,
    dataDirectory: join(path, "data"),
    logFile: join(path, "server.log"),
    processesFile: join(path, "processes"),
  };
}

/** Retries, because a server that was just killed may still be writing. */
export function removeRunDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** Removes what runs left that died together with their watchdog (a machine switched off, a container removed). */
export async function sweepDeadRuns({ account, parent = tmpdir() }: RunDirectoryOptions = {}): Promise<void> {
  // The folder is everybody's: a directory of another user is not ours to judge.
  const ours = new Set([process.getuid?.(), account?.uid]);
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    if (!RUN_DIRECTORY.test(name) || !isDeadRun(path, ours)) continue;
    await stopLeftovers(runDirectoryAt(path));
    removeRunDirectory(path);
  }
}

function isDeadRun(path: string, owners: ReadonlySet<number | undefined>): boolean {
  try {
    const directory = lstatSync(path);
    if (!directory.isDirectory() || !owners.has(directory.uid)) return false;
    const runner = readRunner(path);
    if (runner === undefined) return Date.now() - directory.mtimeMs > CREATION_MS;
    if (runner.hostname !== hostname()) return false;
    return !isAlive(runner.pid) || startMark(runner.pid) !== runner.startMark;
  } catch {
    return false; // another run swept it just now
  }
}

function readRunner(path: string): Runner | undefined {
  try {
    return JSON.parse(readFileSync(join(path, "runner.json"), "utf8")) as Runner;
  } catch {
    return undefined;
  }
}
