/** Runs the demo as its user does, as a process, in a temporary folder of its own. */
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DEMO = join(import.meta.dirname, "..", "src", "demo.ts");

export interface DemoRun {
  readonly exitCode: number | null;
  readonly output: string;
  /** What the demo left in its temporary folder. */
  readonly leftFiles: readonly string[];
  /** Processes it named or that are of its group, and that still live. */
  readonly leftProcesses: readonly number[];
}

export interface DemoRunOptions {
  /** Sends SIGINT as soon as the output matches. */
  readonly interruptAt?: RegExp;
}

export async function runDemoProcess(args: readonly string[], { interruptAt }: DemoRunOptions = {}): Promise<DemoRun> {
  const folder = mkdtempSync(join(tmpdir(), "mts-demo-test-"));
  // A Postgres server runs under another account when this is root.
  chmodSync(folder, 0o755);
  try {
    const child = spawn(process.execPath, [DEMO, ...args], {
      // Without the options of the test runner.
      env: { ...process.env, NODE_OPTIONS: "", TMPDIR: folder },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that one can see who is left of it.
      detached: true,
    });
    let output = "";
    let isInterrupted = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (isInterrupted || interruptAt === undefined || !interruptAt.test(output)) return;
        isInterrupted = true;
        child.kill("SIGINT");
      });
    }
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    const named = [...output.matchAll(/\bpid (\d+)/g)].map(([, pid]) => Number(pid));
    const group = child.pid === undefined ? [] : [-child.pid];
    return { exitCode, output, leftFiles: readdirSync(folder), leftProcesses: [...named, ...group].filter(isAlive) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param pid negative: any process of that group */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
