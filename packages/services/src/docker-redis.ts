/** Redis servers in one container, so that the nodes of a group reach each other at the addresses this machine uses. */
import { type Container, startContainer } from "./docker-container.ts";
import { freePort } from "./free-port.ts";
import { pollUntil } from "./poll-until.ts";
import { redisIsReady } from "./redis-client.ts";
import { configText, newPassword, type RedisHost, type RedisNode, type RedisNodeSpec } from "./redis-host.ts";

export const REDIS_IMAGE = "redis:8-alpine";
const HOST = "127.0.0.1";
/** Outlives the servers, which come and go. */
const IDLE = ["-c", "while :; do sleep 3600; done"];

/** @param servers how many will be started in it */
export async function dockerRedis(servers: number): Promise<RedisHost> {
  const password = newPassword();
  const ports = new Set<number>();
  // Below the ports at which cluster nodes talk to each other, which are 10,000 higher.
  while (ports.size < servers) ports.add(await freePort({ last: 21_999 }));
  const container = await startContainer({
    kind: "redis",
    image: REDIS_IMAGE,
    ports: new Map([...ports].map((port) => [port, port])),
    entrypoint: "sh",
    command: IDLE,
    untilReady: async () => {}, // each server is waited for
  });
  const unused = [...ports];
  return {
    description: `docker, ${REDIS_IMAGE}`,
    password,
    start: (spec) => {
      const port = unused.pop();
      if (port === undefined) throw new RangeError(`the container has ports for ${servers} servers only`);
      return startNode(container, spec, port, password);
    },
    stop: () => container.stop(),
  };
}

async function startNode(
  container: Container,
  spec: RedisNodeSpec,
  port: number,
  password: string,
): Promise<RedisNode> {
  const data = `/data/${spec.name}`;
  const config = `${data}/redis.conf`;
  const pidFile = `${data}/server.pid`;
  const settings = [
    ["port", String(port)],
    // What Docker publishes comes from outside the container.
    ["bind", "0.0.0.0"],
    ["protected-mode", "no"],
    ["dir", data],
    ["daemonize", "yes"],
    ["pidfile", pidFile],
    ["logfile", `${data}/server.log`],
    ...spec.settings(port),
  ] as const;
  const shell = (command: string, input?: string): Promise<string> => container.execute(["sh", "-c", command], input);
  await shell(`mkdir -p ${data} && cat > ${config}`, configText(settings));

  let running = false;
  const launch = async (): Promise<void> => {
    await container.execute(["redis-server", config, ...(spec.sentinel ? ["--sentinel"] : [])]);
    const target = { host: HOST, port, ...(spec.sentinel ? {} : { password }) };
    await pollUntil(() => redisIsReady(target), { what: `${spec.name} to take connections`, deadlineMs: 60_000 });
    running = true;
  };
  const signal = (name: string): Promise<string> => shell(`kill -${name} "$(cat ${pidFile})"`);
  const end = async (name: "TERM" | "KILL"): Promise<void> => {
    if (!running) return;
    running = false;
    const pid = (await shell(`cat ${pidFile}`)).trim();
    await signal(name);
    await pollUntil(async () => (await shell(`kill -0 ${pid} 2>/dev/null || echo gone`)).includes("gone"), {
      what: `${spec.name} to end`,
      deadlineMs: 60_000,
    });
  };
  await launch();
  return {
    host: HOST,
    port,
    isRunning: () => running,
    restart: async () => {
      await end("TERM");
      await launch();
    },
    kill: () => end("KILL"),
    pause: async () => void (await signal("STOP")),
    resume: async () => void (await signal("CONT")),
  };
}
