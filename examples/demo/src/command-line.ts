/** What the demo can be told. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { isLeftOut, type ServerBackendName, serverBackends } from "@mcp-task-store/backends";

export type BackendName = "memory" | ServerBackendName;

export interface DemoOptions {
  readonly backend: BackendName;
  /** Decides when the worker is killed, when the cancel comes, who starts first in a race, and what the kit tries. */
  readonly seed: number;
}

const NAMES: readonly BackendName[] = [...serverBackends, "memory"];

export const HELP: string = `Usage: pnpm demo [--backend ${NAMES.join("|")}] [--seed N]

An MCP client, the official SDK's, calls tools over HTTP; the server answers with tasks, and two worker processes do the
work. A worker is killed in the middle of its task and another finishes it; a tool asks its user, and the server is
killed before the answer; a task is cancelled; somebody else tries the id of a task; cancel and complete race; at the end
the conformance kit judges the store. Takes about a minute, on the stand-in for MongoDB some minutes, and leaves nothing
behind.

Options:
  --backend NAME  ${serverBackends.join(", ")}: four processes and a real server, found or started
                  memory: the same in one process, as far as that goes: its server is not restarted
                  default: postgres
  --seed N        0 to 4294967295, to make the same choices again; default: random, and printed
  --help          this text

Exit code: 0 everything held, 1 something did not, 2 wrong usage, 130 interrupted

Variables:
  POSTGRES_URL, REDIS_URL, MONGODB_URL   use this server; Postgres must allow CREATE DATABASE
  MCP_TASK_STORE_POSTGRES   path, docker or embedded: start this one; off: memory is the default
  MCP_TASK_STORE_REDIS      path, docker or apt: start this one
  MCP_TASK_STORE_MONGODB    path, docker, download or stand-in: start this one
  NO_COLOR                  plain lines, also on a terminal
`;

const SEEDS = 2 ** 32;

/** @throws TypeError for wrong usage */
export function readCommandLine(args: readonly string[]): DemoOptions | "help" {
  const { values } = parseArgs({
    // pnpm hands its own separator on.
    args: args.filter((argument) => argument !== "--"),
    options: {
      backend: { type: "string", default: isLeftOut("postgres") ? "memory" : "postgres" },
      seed: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  return { backend: backendNamed(values.backend), seed: seedFrom(values.seed) };
}

function backendNamed(name: string): BackendName {
  const found = NAMES.find((each) => each === name);
  if (found !== undefined) return found;
  throw new TypeError(`--backend is ${JSON.stringify(name)}; give one of ${NAMES.join(", ")}`);
}

function seedFrom(text: string | undefined): number {
  if (text === undefined) return randomInt(SEEDS);
  const seed = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (seed < SEEDS) return seed;
  throw new TypeError(`--seed is ${JSON.stringify(text)}; give a whole number from 0 to ${SEEDS - 1}`);
}
