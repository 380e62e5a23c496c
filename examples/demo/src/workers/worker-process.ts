/** A worker that is a process of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { Inbox } from "./inbox.ts";
import type { FromWorker } from "./messages.ts";
import type { Worker } from "./worker.ts";

const STOP_MS = 4_000;

export interface WorkerProcessOptions {
  readonly name: string;
  /** Takes what the process writes to stderr, and its troubles, a line each. */
  readonly onTrouble: (line: string) => void;
  readonly environment: Readonly<Record<string, string>>;
}

/** Processes that run, so that none outlives this one, however it ends. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export function startWorkerProcess({ name, onTrouble, environment }: WorkerProcessOptions): Worker {
  const child = fork(join(import.meta.dirname, "..", "worker.ts"), [name], {
    // Its own variables besides: a password in the arguments would be everybody's to read.
    env: { ...process.env, ...environment },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  running.add(child);
  const inbox = new Inbox();
  // Not "close": that waits for the channel too, and does not come when this side closed it.
  const gone = new Promise<void>((resolve) => {
    child.once("exit", (exitCode, signal) => {
      running.delete(child);
      inbox.end(new Error(`${name} has ended (${signal ?? `exit code ${exitCode}`})`));
      resolve();
    });
  });
  child.on("error", (error) => onTrouble(`${name}: ${error.message}`));
  child.on("message", (message: FromWorker) => {
    if (message.type === "trouble") onTrouble(`${name}: ${message.text}`);
    inbox.receive(message);
  });
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on("line", (line) => onTrouble(`${name}: ${line}`));
  }
  const isAlive = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    name,
    where: `pid ${child.pid}`,
    inbox,
    get isAlive() {
      return isAlive();
    },
    send: (message) => {
      if (child.connected) child.send(message);
    },
    lose: async () => {
      child.kill("SIGKILL");
      await gone;
    },
    stop: async () => {
      if (!isAlive()) return;
      // The worker ends when nobody is there to give it tasks.
      if (child.connected) child.disconnect();
      if (!(await Promise.race([gone.then(() => true), pause(STOP_MS, false, { ref: false })]))) child.kill("SIGKILL");
      await gone;
    },
  };
}
