import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The run directories of one runner process. */
export function runDirectoriesOf(runner: number): readonly string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith("mcp-task-store-postgres-"))
    .map((name) => join(tmpdir(), name))
    .filter((path) => {
      const file = join(path, "runner.json");
      return existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid === runner;
    });
}
