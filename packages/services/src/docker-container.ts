/** A server in a container, where Docker works. Its ports are published on loopback only. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { ServerKind } from "./run-directory.ts";
import { startWatchdog } from "./start-watchdog.ts";

const run = promisify(execFile);

const PULL_MS = 600_000;

export interface ContainerOptions {
  readonly kind: ServerKind;
  readonly image: string;
  /** Port of this machine → port in the container. */
  readonly ports: ReadonlyMap<number, number>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Instead of the image's own. */
  readonly entrypoint?: string;
  /** What follows the image's name. */
  readonly command: readonly string[];
  /** Resolves when the server takes connections. */
  readonly untilReady: () => Promise<void>;
}

export interface Container {
  isRunning(): boolean;
  /** Runs a program in it. @returns what it wrote */
  execute(command: readonly string[], input?: string): Promise<string>;
  restart(): Promise<void>;
  kill(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Removes it with its data. Calling it twice is harmless. */
  stop(): Promise<void>;
}

/** True when there is a Docker client and its daemon answers. */
export async function dockerWorks(): Promise<boolean> {
  try {
    await run("docker", ["info"], { timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}

/** True when Docker works and has the image, or can get it; a line says when it cannot. */
export async function dockerHas(image: string, log?: (line: string) => void): Promise<boolean> {
  if (!(await dockerWorks())) return false;
  try {
    await run("docker", ["image", "inspect", image]);
    return true;
  } catch {
    log?.(`docker: pulling ${image} (once)`);
  }
  try {
    await run("docker", ["pull", "--quiet", image], { timeout: PULL_MS });
    return true;
  } catch (error) {
    const reason = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    log?.(`docker: could not pull ${image}, so on to the next (${reason.split("\n").at(-1)})`);
    return false;
  }
}

export async function startContainer(options: ContainerOptions): Promise<Container> {
  const { kind, image, ports, environment = {}, entrypoint, command, untilReady } = options;
  const name = `mcp-task-store-${kind}-${randomBytes(6).toString("hex")}`;
  let running = true;
  let stopped: Promise<void> | undefined;
  const docker = async (...args: string[]): Promise<void> => void (await run("docker", args));
  const watchdog = startWatchdog();
  watchdog.watch("container", name);
  const remove = async (): Promise<void> => {
    await docker("rm", "--force", "--volumes", name);
    await watchdog.done();
  };

  try {
    await docker(
      "run",
      "--detach",
      "--init",
      `--name=${name}`,
      ...[...ports].map(([outside, inside]) => `--publish=127.0.0.1:${outside}:${inside}`),
      ...Object.entries(environment).map(([key, value]) => `--env=${key}=${value}`),
      ...(entrypoint === undefined ? [] : [`--entrypoint=${entrypoint}`]),
      image,
      ...command,
    );
    await untilReady();
  } catch (error) {
    await remove().catch(() => {}); // the first failure says more
    throw error;
  }
  return {
    isRunning: () => running,
    execute: async (args, input) => {
      const running = run("docker", ["exec", ...(input === undefined ? [] : ["--interactive"]), name, ...args]);
      running.child.stdin?.end(input);
      return (await running).stdout;
    },
    restart: async () => {
      await docker("restart", name);
      await untilReady();
      running = true;
    },
    kill: async () => {
      running = false;
      await docker("kill", name);
    },
    pause: () => docker("pause", name),
    resume: () => docker("unpause", name),
    stop: async () => {
      running = false;
      await (stopped ??= remove());
    },
  };
}
