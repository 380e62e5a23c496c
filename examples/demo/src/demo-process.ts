/** A program of the demo as a process of its own, with a channel for messages. */
import { type ChildProcess, fork, type Serializable } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const STOP_MS = 4_000;

export interface DemoProcessOptions<M> {
  readonly program: string;
  readonly arguments: readonly string[];
  /** Its own variables besides: a password in the arguments would be everybody's to read. */
  readonly environment: Readonly<Record<string, string>>;
  /** Takes what it writes to stderr. */
  readonly onLine: (line: string) => void;
  readonly onMessage: (message: M) => void;
  /** Told the signal or the exit code. */
  readonly onEnd: (ending: string) => void;
}

export interface DemoProcess {
  readonly pid: number | undefined;
  readonly isAlive: () => boolean;
  readonly send: (message: Serializable) => void;
  /** SIGKILL. Resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** Lets it end in good order, by force if it takes too long. Twice is harmless. */
  readonly stop: () => Promise<void>;
}

/** Processes that run, so that none outlives this one, however it ends. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export function startProcess<M>(options: DemoProcessOptions<M>): DemoProcess {
  const child = fork(options.program, options.arguments, {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  running.add(child);
  // Not "close": that waits for the channel too, and does not come when this side closed it.
  const gone = new Promise<void>((resolve) => {
    child.once("exit", (exitCode, signal) => {
      running.delete(child);
      options.onEnd(signal ?? `exit code ${exitCode}`);
      resolve();
    });
  });
  child.on("error", (error) => options.onLine(error.message));
  child.on("message", options.onMessage);
  if (child.stderr !== null) createInterface({ input: child.stderr }).on("line", options.onLine);
  const isAlive = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid,
    isAlive,
    send: (message) => {
      if (child.connected) child.send(message);
    },
    kill: async () => {
      child.kill("SIGKILL");
      await gone;
    },
    stop: async () => {
      if (!isAlive()) return;
      // It ends when nobody is there to talk to.
      if (child.connected) child.disconnect();
      if (!(await Promise.race([gone.then(() => true), pause(STOP_MS, false, { ref: false })]))) child.kill("SIGKILL");
      await gone;
    },
  };
}
