/** Redis servers as child processes of this one. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { redisIsReady } from "./redis-client.ts";
import { configText, newPassword, type RedisHost, type RedisNode, type RedisNodeSpec } from "./redis-host.ts";
import type { RedisInstallation } from "./redis-installation.ts";
import { freePort } from "./free-port.ts";
import type { RunDirectory } from "./run-directory.ts";
import { launch, onFreePort } from "./server-process.ts";
import { openRun } from "./server-run.ts";
import { StartedServer } from "./started-server.ts";

const HOST = "127.0.0.1";
/** Cluster nodes talk to each other on a port that far above their own. */
const BUS_OFFSET = 10_000;

export async function redisProcesses(origin: string, installation: RedisInstallation): Promise<RedisHost> {
  const run = await openRun("redis");
  const password = newPassword();
  const starts: Promise<StartedNode>[] = [];
  let stopped: Promise<void> | undefined;

  const stop = async (): Promise<void> => {
    // Also those whose start is under way: a cluster gives up when one of them fails.
    const settled = await Promise.allSettled(starts);
    // Their data goes too, so there is nothing to wait for.
    await Promise.all(
      settled.map((each) => (each.status === "fulfilled" ? each.value.server.end("at once") : Promise.resolve())),
    );
    await run.close();
  };
  return {
    description: `${origin}, ${installation.description}`,
    password,
    start: async (spec) => {
      if (stopped !== undefined) throw new Error("the servers were stopped for good");
      const starting = startNode(installation, run.directory, password, spec);
      starts.push(starting);
      return (await starting).node;
    },
    stop: () => (stopped ??= stop()),
  };
}

interface StartedNode {
  readonly node: RedisNode;
  readonly server: StartedServer;
}

async function startNode(
  installation: RedisInstallation,
  directory: RunDirectory,
  password: string,
  spec: RedisNodeSpec,
): Promise<StartedNode> {
  const data = join(directory.dataDirectory, spec.name);
  mkdirSync(data);
  const configFile = join(data, "redis.conf");
  const launchOn = (port: number): ReturnType<typeof launch> =>
    launch({
      name: `${installation.command} on port ${port}`,
      command: installation.command,
      argv0: installation.argv0,
      args: [configFile, ...(spec.sentinel ? ["--sentinel"] : [])],
      directory,
      logFile: join(directory.path, `${spec.name}.log`),
      isReady: () => redisIsReady({ host: HOST, port, ...(spec.sentinel ? {} : { password }) }),
    });
  const findPort = (): Promise<number> => freePort({ last: 21_999, alsoFree: (port) => [port + BUS_OFFSET] });
  const { port, server } = await onFreePort(async (each) => {
    const settings = [
      ["port", String(each)],
      ["bind", HOST],
      ["dir", data],
      ["daemonize", "no"],
      // Its command line names the configuration, by which a leftover is known.
      ["set-proc-title", "no"],
      ...spec.settings(each),
    ] as const;
    writeFileSync(configFile, configText(settings), { mode: 0o600 });
    const child = await launchOn(each);
    return { port: each, server: new StartedServer(child, { launch: () => launchOn(each), stopSignals: ["SIGTERM"] }) };
  }, findPort);
  const node: RedisNode = {
    host: HOST,
    port,
    isRunning: () => server.isRunning(),
    restart: () => server.restart(),
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
  };
  return { node, server };
}
