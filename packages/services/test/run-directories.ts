import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childrenOf, commandLine } from "../src/processes.ts";

/** The run directories of one runner process. */
export function runDirectoriesOf(runner: number, parent: string = tmpdir()): readonly string[] {
  return readdirSync(parent)
    .filter((name) => /^mcp-task-store-(postgres|redis|mongodb)-/.test(name))
    .map((name) => join(parent, name))
    .filter((path) => runnerOf(path) === runner);
}

/** Undefined: another run makes the directory just now, or removes it. */
function runnerOf(path: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(join(path, "runner.json"), "utf8")) as { pid: number }).pid;
  } catch {
    return undefined;
  }
}

/** The children of this process that serve something. Those of a test runner are not among them. */
export function serversOfThisProcess(): readonly number[] {
  return childrenOf(process.pid).filter((pid) => commandLine(pid)?.includes(join(tmpdir(), "mcp-task-store-")));
}
