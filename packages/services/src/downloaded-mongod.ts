/** A mongod from MongoDB's own server, by way of the npm package mongodb-memory-server-core. */
import { execFile } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cacheDirectory } from "./cache-directory.ts";

const run = promisify(execFile);

const DOWNLOAD_MS = 900_000;
/** So long a failure is believed: finding out again costs seconds, of each run. */
const FAILURE_MS = 12 * 3_600_000;

/**
 * Downloads it at the first time.
 * @param options.insist true: tries also when it has just failed, and throws
 * @returns undefined when it cannot be had; a line has said why
 */
export async function downloadedMongod(options: {
  readonly insist: boolean;
  readonly log: (line: string) => void;
}): Promise<string | undefined> {
  const { insist, log } = options;
  const directory = join(cacheDirectory(), "mongod");
  const failureFile = join(directory, "failed");
  mkdirSync(directory, { recursive: true });
  if (!insist && ageMs(failureFile) < FAILURE_MS) {
    log(`mongodb: not downloading mongod, which failed a short while ago (${failureFile})`);
    return undefined;
  }
  const program = fileURLToPath(new URL("download-mongod.ts", import.meta.url));
  try {
    const running = run(process.execPath, [program, directory], {
      timeout: DOWNLOAD_MS,
      // Without the options of a test runner, which would load its own code into it.
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    log(`mongodb: looking for mongod in ${directory}, else downloading it (once)`);
    return lastLine((await running).stdout);
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : "";
    const reason = lastLine(said) ?? (cause instanceof Error ? cause.message : String(cause));
    if (insist) throw new Error(`could not download mongod: ${reason}`, { cause });
    log(`mongodb: could not download mongod, so on to the next (${reason})`);
    writeFileSync(failureFile, reason);
    return undefined;
  }
}

function lastLine(text: string): string | undefined {
  return text
    .split("\n")
    .map((line) => line.trim())
    .findLast((line) => line !== "");
}

function ageMs(file: string): number {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
