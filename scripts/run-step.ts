/** Runs one step of a check as a child process and says how it went, in one line. */
import { spawn } from "node:child_process";
import { rootDirectory } from "./workspace.ts";

export interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Repairs what the step finds, for the message of a failure. */
  readonly repair?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const SHOWN_LINES = 25;

/**
 * Runs the step with its output kept back, and shows the output only when it failed. Never rejects.
 * @returns its failure in words, with the end of what it printed; undefined when it passed
 */
export async function runStep(step: Step): Promise<string | undefined> {
  process.stdout.write(`  ${step.name} … `);
  const ended = await timed(step);
  return say(step, ended, "");
}

/** Runs steps two at a time, each shown when it has ended. Never rejects; answers in the order of the steps. */
export async function runStepsInPairs(steps: readonly Step[]): Promise<readonly (string | undefined)[]> {
  const answers: (string | undefined)[] = [];
  const left = steps.entries();
  const lane = async (): Promise<void> => {
    for (const [index, step] of left) answers[index] = say(step, await timed(step), `  ${step.name} … `);
  };
  await Promise.all([lane(), lane()]);
  return answers;
}

interface Ended {
  readonly exitCode: number;
  readonly output: string;
  readonly seconds: string;
}

async function timed(step: Step): Promise<Ended> {
  const startedAt = performance.now();
  const ended = await runQuietly(step);
  return { ...ended, seconds: ((performance.now() - startedAt) / 1000).toFixed(1) };
}

function say(step: Step, { exitCode, output, seconds }: Ended, before: string): string | undefined {
  if (exitCode === 0) {
    console.log(`${before}ok (${seconds} s)`);
    return undefined;
  }
  console.log(`${before}FAILED (${seconds} s): ${step.command.join(" ")}`);
  console.log(output.trimEnd());
  if (step.repair !== undefined) console.log(`  to repair: ${step.repair}`);
  const end = output.trimEnd().split("\n").slice(-SHOWN_LINES);
  return [`${step.name}: ${step.command.join(" ")}`, ...end.map((line) => `  ${line}`)].join("\n");
}

/** Runs a command on the terminal of this process. */
export function runShown(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: rootDirectory, stdio: "inherit" });
    child.once("error", (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once("close", (exitCode) => resolve(exitCode ?? 1));
  });
}

function runQuietly(step: Step): Promise<{ exitCode: number; output: string }> {
  const [command, ...args] = step.command;
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(command, args, {
      cwd: rootDirectory,
      env: { ...process.env, ...step.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.once("error", (error) => resolve({ exitCode: 1, output: `${output}${error.message}` }));
    child.once("close", (exitCode) => resolve({ exitCode: exitCode ?? 1, output }));
  });
}
