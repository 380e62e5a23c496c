/** The runner's side of watchdog.ts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Watchdog {
  readonly pid: number | undefined;
  /** Names what must not outlive this process: a run directory with the processes recorded in it, or a container. */
  watch(kind: "directory" | "container", value: string): void;
  /** Everything is stopped and removed; resolves when the watchdog is gone too. */
  done(): Promise<void>;
}

export function startWatchdog(): Watchdog {
  const child = spawn(process.execPath, [fileURLToPath(new URL("watchdog.ts", import.meta.url))], {
    // Its own session: Ctrl-C in the terminal reaches the runner, not the one who cleans up after it.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    // Without the options of a test runner, which would load its own code into it.
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  const { stdin } = child;
  // A watchdog that somebody killed is no reason to fail: the next run's sweep takes its place.
  stdin.on("error", () => {});
  child.on("error", () => {});
  child.unref();
  if ("unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  return {
    pid: child.pid,
    watch: (kind, value) => {
      stdin.write(`${kind} ${value}\n`);
    },
    done: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      const gone = once(child, "exit");
      stdin.end("done\n");
      await gone;
    },
  };
}
