/** Starts each example as its own process, calls it as a client would, and says what happened. */
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { postgresIsLeftOut, type PostgresService, startPostgres } from "@mcp-task-store/services";
import { type Show, Stage } from "./harness/show.ts";
import { httpServer } from "./shows/http-server.ts";
import { queueWorkers } from "./shows/queue-workers.ts";
import { serverlessPlatform } from "./shows/serverless-platform.ts";
import { stdioServer } from "./shows/stdio-server.ts";

const LONGEST_MS = 55_000;

const HELP = `Usage: node src/run-all.ts

Starts the servers of this folder, each as a process of its own, on a PostgreSQL server that it finds or starts; calls
them with the official MCP client, and says what happened. Takes less than a minute and leaves nothing behind.

Options:
  --help   this text

Exit code: 0 everything held, 1 something did not, 2 wrong usage, 130 interrupted

Variables:
  POSTGRES_URL              use this server; it must allow CREATE DATABASE
  MCP_TASK_STORE_POSTGRES   path, docker or embedded: start this one; off: memory, without what needs Postgres
`;

const SHOWS: readonly Show[] = [
  httpServer("http: Node's own server", "http.ts"),
  httpServer("hono: c.req.raw", "hono.ts"),
  httpServer("express: express.json() has read the body", "express.ts"),
  stdioServer,
  serverlessPlatform,
  queueWorkers,
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

/** All at the same time; what they say comes in their order. */
async function playAll(): Promise<number> {
  const startedMs = performance.now();
  const signal = AbortSignal.timeout(LONGEST_MS);
  await using postgres = postgresIsLeftOut() ? undefined : await startPostgres({ log: console.log });
  let good = 0;
  let bad = 0;
  const stages = SHOWS.filter(({ needsPostgres }) => postgres !== undefined || !needsPostgres).map((show) => ({
    show,
    played: play(show, postgres, signal),
  }));
  for (const { show, played } of stages) {
    const stage = await played;
    console.log([`\n${show.title}`, ...stage.lines].join("\n"));
    if (stage.isGood) good += 1;
    else bad += 1;
  }
  const leftOut = SHOWS.length - stages.length;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`\n${good} examples work, ${bad} do not, ${leftOut} left out for want of Postgres; ${seconds} s`);
  return bad === 0 ? 0 : 1;
}

async function play(show: Show, postgres: PostgresService | undefined, signal: AbortSignal): Promise<Stage> {
  await using database = await postgres?.freshDatabase();
  const stage = new Stage(database?.url, signal);
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
