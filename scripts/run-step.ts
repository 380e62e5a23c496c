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

/** Runs the step with its output kept back, and shows the output only when it failed. Never rejects. */
export async function runStep(step: Step): Promise<boolean> {
  const startedAt = performance.now();
  process.stdout.write(`  ${step.name} … `);
  const { exitCode, output } = await runQuietly(step);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (exitCode === 0) {
    console.log(`ok (${seconds} s)`);
    return true;
  }
  console.log(`FAILED (${seconds} s): ${step.command.join(" ")}`);
  console.log(output.trimEnd());
  if (step.repair !== undefined) console.log(`  to repair: ${step.repair}`);
  return false;
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
