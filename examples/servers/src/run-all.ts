/** Starts each example as its own process, calls it as a client would, and says what happened. */
import { availableParallelism, constants } from "node:os";
import { parseArgs } from "node:util";
import { Servers } from "./harness/servers.ts";
import { type Show, Stage } from "./harness/show.ts";
import { httpServer } from "./shows/http-server.ts";
import { queueWorkers } from "./shows/queue-workers.ts";
import { serverlessPlatform } from "./shows/serverless-platform.ts";
import { stdioServer } from "./shows/stdio-server.ts";

/** Only what hangs runs into it, however slow the machine is. */
const LONGEST_MS = 900_000;

const HELP = `Usage: node src/run-all.ts

Starts the servers of this folder, each as a process of its own, on a PostgreSQL and a Redis server that it finds or
starts; calls them with the official MCP client, and says what happened. Takes about a minute and leaves nothing
behind.

Options:
  --help   this text

Exit code: 0 everything held, 1 something did not, 2 wrong usage, 130 interrupted

Variables:
  POSTGRES_URL, REDIS_URL   use this server; Postgres must allow CREATE DATABASE
  MCP_TASK_STORE_POSTGRES   path, docker or embedded: start this one; off: memory, without what needs Postgres
  MCP_TASK_STORE_REDIS      path, docker or apt: start this one; off: without what needs Redis
`;

const SHOWS: readonly Show[] = [
  httpServer("http: Node's own server", "http.ts"),
  httpServer("hono: c.req.raw", "hono.ts"),
  httpServer("express: express.json() has read the body", "express.ts"),
  stdioServer,
  serverlessPlatform,
  queueWorkers("queue: pg-boss carries task ids to worker processes", "Postgres"),
  queueWorkers("queue: BullMQ does, and the tasks are in Redis", "Redis"),
];

// What was started ends with this process.
process.once("SIGINT", () => process.exit(128 + constants.signals.SIGINT));
process.once("SIGTERM", () => process.exit(128 + constants.signals.SIGTERM));
process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });
    if (!values.help) return await playAll();
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    if (!isWrongUsage(error)) throw error;
    console.error(`${error.message}\n\n${HELP}`);
    return 2;
  }
}

/** As many at a time as the machine has cores; what they say comes in their order. */
async function playAll(): Promise<number> {
  const startedMs = performance.now();
  const signal = AbortSignal.timeout(LONGEST_MS);
  await using servers = await Servers.start(console.log);
  let good = 0;
  let bad = 0;
  const leftOut = SHOWS.filter(({ needs }) => needs !== undefined && !servers.has(needs));
  const inTurn = turns(Math.max(2, availableParallelism()));
  const stages = SHOWS.filter((show) => !leftOut.includes(show)).map((show) => ({
    show,
    played: inTurn(() => play(show, servers, signal)),
  }));
  for (const { show, played } of stages) {
    const stage = await played;
    console.log([`\n${show.title}`, ...stage.lines].join("\n"));
    if (stage.isGood) good += 1;
    else bad += 1;
  }
  const missing = [...new Set(leftOut.map(({ needs }) => needs))].join(" and ");
  const without = missing === "" ? "none left out" : `${leftOut.length} left out for want of ${missing}`;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`\n${good} examples work, ${bad} do not, ${without}; ${seconds} s`);
  return bad === 0 ? 0 : 1;
}

/** Starts what it is given in its order, at most so many at a time. */
function turns(atATime: number): <T>(start: () => Promise<T>) => Promise<T> {
  let free = atATime;
  const waiting: (() => void)[] = [];
  return async (start) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await start();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

async function play(show: Show, servers: Servers, signal: AbortSignal): Promise<Stage> {
  await using place = await servers.freshPlace(show.needs ?? "Postgres");
  const stage = new Stage(place?.url, signal);
  try {
    await show.play(stage);
  } catch (error) {
    stage.fail(error);
  }
  // What does not end well did not work either.
  await stage[Symbol.asyncDispose]().catch((error: unknown) => stage.fail(error));
  return stage;
}

function isWrongUsage(error: unknown): error is TypeError {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
