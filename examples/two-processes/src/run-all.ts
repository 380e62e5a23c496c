/** `pnpm start`: plays the show on each server that is asked for, and says what held. */
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { type ServerBackendName, serverBackends, startBackend } from "@mcp-task-store/backends";
import { show } from "./show.ts";

const HELP = `Usage: node src/run-all.ts [--backend NAME]

A producer makes tasks and waits for their ends; two workers do them; a canceller stops one; one worker is killed with
SIGKILL. Each is a process of its own; they share a server that is found or started. Leaves nothing behind.

Options:
  --backend NAME   ${serverBackends.join(", ")} or all (default)
  --help           this text

Exit code: 0 everything held, 1 something did not, 2 wrong usage, 130 interrupted

Variables:
  POSTGRES_URL, REDIS_URL, MONGODB_URL   use this server; Postgres must allow CREATE DATABASE
  MCP_TASK_STORE_POSTGRES   path, docker or embedded: start this one
  MCP_TASK_STORE_REDIS      path, docker or apt: start this one
  MCP_TASK_STORE_MONGODB    path, docker, download or stand-in: start this one
`;

// What was started ends with this process.
process.once("SIGINT", () => process.exit(128 + constants.signals.SIGINT));
process.once("SIGTERM", () => process.exit(128 + constants.signals.SIGTERM));
process.exitCode = await main();

async function main(): Promise<number> {
  const names = readNames();
  if (typeof names === "number") return names;
  let good = 0;
  for (const name of names) {
    console.log(`\n${name}`);
    if (await playOn(name)) good += 1;
  }
  console.log(`\n${good} of ${names.length} servers carried the tasks between the processes`);
  return good === names.length ? 0 : 1;
}

/** @returns the backends, or the exit code when there is nothing to run */
function readNames(): readonly ServerBackendName[] | number {
  try {
    const { values } = parseArgs({
      options: { backend: { type: "string", default: "all" }, help: { type: "boolean", default: false } },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    if (values.backend === "all") return serverBackends;
    const name = serverBackends.find((each) => each === values.backend);
    if (name !== undefined) return [name];
    throw new TypeError(`--backend ${values.backend}: give ${serverBackends.join(", ")} or all`);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${HELP}`);
    return 2;
  }
}

async function playOn(name: ServerBackendName): Promise<boolean> {
  await using server = await startBackend(name, { log: (line) => console.log(`  ${line}`) });
  try {
    const { lines, isGood } = await show(server.storeUrl);
    console.log(lines.join("\n"));
    return isGood;
  } catch (error) {
    console.log(`  NO  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return false;
  }
}
