/** The kit's side of exit-child.ts. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CouldNotRun } from "../attempt.ts";
import { inTime } from "../in-time.ts";
import type { ChildLine } from "./child-line.ts";

/** How a process went that opened a store, used it and closed it. */
export interface ProcessEnd {
  /** It ended by itself. Otherwise it was still there at the deadline, and was killed. */
  readonly alone: boolean;
  /** What went wrong in it outside of any call: rejections that nobody handled, errors that nobody caught. */
  readonly strays: readonly string[];
}

/** How many deadlines a process has until its stores are closed: starting takes its time, and says nothing of them. */
const STARTING = 4;

/** Built, it lies beside the other entries; in the repository it is TypeScript, as this file is. */
const CHILD = import.meta.url.endsWith(".ts") ? "./exit-child.ts" : "./exit-child.js";

interface Child {
  readonly process: ChildProcess;
  readonly lines: readonly ChildLine[];
  readonly ended: Promise<unknown>;
  /** Resolves when it has said all that it has to say. */
  readonly done: Promise<unknown>;
}

function start(args: readonly string[], env: Readonly<Record<string, string>>): Child {
  const child = spawn(process.execPath, [fileURLToPath(new URL(CHILD, import.meta.url)), ...args], {
    stdio: ["ignore", "pipe", "ignore"],
    // Without the options of a test runner, which would load its own code into it.
    env: { ...process.env, ...env, NODE_OPTIONS: "" },
  });
  const lines: ChildLine[] = [];
  // "close", not "exit": by then all that it said was read.
  const ended = once(child, "close").catch(() => undefined);
  const finished = new Promise<void>((resolve) => {
    createInterface(child.stdout).on("line", (text) => {
      const line = lineFrom(text);
      if (line === undefined) return;
      lines.push(line);
      if ("threw" in line || ("stage" in line && line.stage === "closed")) resolve();
    });
  });
  return { process: child, lines, ended, done: Promise.race([finished, ended]) };
}

/** Targets may print, too. */
function lineFrom(text: string): ChildLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isChildLine(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isChildLine(value: unknown): value is ChildLine {
  if (typeof value !== "object" || value === null) return false;
  if ("stage" in value) return value.stage === "opened" || value.stage === "closed";
  return ("threw" in value && typeof value.threw === "string") || ("stray" in value && typeof value.stray === "string");
}

/**
 * @param file path or URL of a module that exports the target
 * @param deadlineMs D: for its end, once it has closed its stores
 * @throws CouldNotRun if it could not use the store, or if a process that does nothing does not end either
 */
export async function endOfProcess(
  file: string,
  env: Readonly<Record<string, string>>,
  deadlineMs: number,
): Promise<ProcessEnd> {
  const specifier = /^[a-z]{2,}:/i.test(file) ? file : pathToFileURL(file).href;
  const child = start([specifier], env);
  try {
    if (!(await within(STARTING * deadlineMs, child.done))) {
      throw new CouldNotRun("the process did not come to close its stores");
    }
    const threw = child.lines.find((line) => "threw" in line);
    if (threw !== undefined) throw new CouldNotRun(`the process could not use its store and close it: ${threw.threw}`);
    // Where this machine stood still, it has ended by the time that another process has come and gone.
    const alone = (await within(deadlineMs, child.ended)) || (await endedAfterControl(child, deadlineMs));
    const strays = child.lines.flatMap((line) => ("stray" in line ? [line.stray] : []));
    const closed = child.lines.some((line) => "stage" in line && line.stage === "closed");
    if (alone && !closed && strays.length === 0) {
      throw new CouldNotRun(`the process ended early, with exit code ${child.process.exitCode}`);
    }
    return { alone, strays };
  } finally {
    child.process.kill("SIGKILL");
  }
}

/** Proves that processes can start and end on this machine, and looks then. */
async function endedAfterControl(child: Child, deadlineMs: number): Promise<boolean> {
  const idle = start([], {});
  const ended = await within(STARTING * deadlineMs, idle.ended);
  idle.process.kill("SIGKILL");
  if (!ended) throw new CouldNotRun("a process that does nothing did not end in time");
  return within(0, child.ended);
}

async function within(ms: number, event: Promise<unknown>): Promise<boolean> {
  return (
    (await inTime(
      ms,
      event.then(() => true),
    )) ?? false
  );
}
