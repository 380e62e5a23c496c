/**
 * Runs as its own process beside a started server. The runner holds the other end of stdin; when that closes before the
 * runner said "done", the runner is dead, however it died, and this process stops the servers and removes what they wrote.
 * It cannot be done from inside: nothing runs in a process that was killed with SIGKILL.
 *
 * Input, a line each: `directory PATH` (its processes stand in it), `container NAME`, `done`.
 */
import { execFileSync } from "node:child_process";
import { createInterface } from "node:readline";
import { stopLeftovers } from "./leftover-server.ts";
import { removeRunDirectory, runDirectoryAt } from "./run-directory.ts";

const containers = new Set<string>();
let directory: string | undefined;
let runnerIsDone = false;

for await (const line of createInterface({ input: process.stdin })) {
  const [word, ...rest] = line.split(" ");
  const value = rest.join(" ");
  if (word === "directory") directory = value;
  if (word === "container") containers.add(value);
  if (word === "done") {
    runnerIsDone = true;
    break;
  }
}

if (!runnerIsDone) {
  if (directory !== undefined) {
    await stopLeftovers(runDirectoryAt(directory));
    removeRunDirectory(directory);
  }
  for (const name of containers) execFileSync("docker", ["rm", "--force", "--volumes", name], { stdio: "ignore" });
}
process.exit();
