/** Redis servers as child processes of this one. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { redisIsReady } from "./redis-client.ts";
import { configText, newPassword, type RedisHost, type RedisNode, type RedisNodeSpec } from "./redis-host.ts";
import type { RedisInstallation } from "./redis-installation.ts";
import { freePort } from "./free-port.ts";
import { createRunDirectory, removeRunDirectory, sweepDeadRuns } from "./run-directory.ts";
import {
  isRunning,
  killAll,
  launch,
  onFreePort,
  type ServerProgram,
  shutDown,
  withStartRetries,
} from "./server-process.ts";
import { startWatchdog } from "./start-watchdog.ts";

const HOST = "127.0.0.1";
const STOP_SIGNALS = ["SIGTERM"] as const;
/** Cluster nodes talk to each other on a port that far above their own. */
const BUS_OFFSET = 10_000;

interface StartedNode extends RedisNode {
  stop(): Promise<void>;
}

export async function redisProcesses(origin: string, installation: RedisInstallation): Promise<RedisHost> {
  await sweepDeadRuns();
  const directory = createRunDirectory("redis");
  const watchdog = startWatchdog();
  watchdog.watch("directory", directory.path);
  const password = newPassword();
  const nodes: StartedNode[] = [];
  let stopped: Promise<void> | undefined;

  const start = async (spec: RedisNodeSpec): Promise<StartedNode> => {
    const data = join(directory.dataDirectory, spec.name);
    mkdirSync(data);
    const configFile = join(data, "redis.conf");
    const program = (port: number): ServerProgram => ({
      name: `${installation.command} on port ${port}`,
      command: installation.command,
      argv0: installation.argv0,
      args: [configFile, ...(spec.sentinel ? ["--sentinel"] : [])],
      directory,
      logFile: join(directory.path, `${spec.name}.log`),
      isReady: () => redisIsReady({ host: HOST, port, ...(spec.sentinel ? {} : { password }) }),
    });
    const first = await onFreePort(
      async (port) => {
        const settings = [
          ["port", String(port)],
          ["bind", HOST],
          ["dir", data],
          ["daemonize", "no"],
          // Its command line names the configuration, by which a leftover is known.
          ["set-proc-title", "no"],
          ...spec.settings(port),
        ] as const;
        writeFileSync(configFile, configText(settings), { mode: 0o600 });
        return { port, child: await launch(program(port)) };
      },
      () => freePort({ last: 21_999, alsoFree: (port) => [port + BUS_OFFSET] }),
    );
    const { port } = first;
    let { child } = first;
    return {
      host: HOST,
      port,
      isRunning: () => isRunning(child),
      restart: async () => {
        if (stopped !== undefined) throw new Error("the server was stopped for good");
        await shutDown(child, STOP_SIGNALS);
        child = await withStartRetries(() => launch(program(port)));
      },
      kill: () => killAll(child),
      pause: async () => void child.kill("SIGSTOP"),
      resume: async () => void child.kill("SIGCONT"),
      // Its data goes too, so there is nothing to wait for.
      stop: () => killAll(child),
    };
  };

  return {
    description: `${origin}, ${installation.description}`,
    password,
    start: async (spec) => {
      const node = await start(spec);
      nodes.push(node);
      return node;
    },
    stop: () =>
      (stopped ??= (async () => {
        await Promise.all(nodes.map((node) => node.stop()));
        removeRunDirectory(directory.path);
        await watchdog.done();
      })()),
  };
}
