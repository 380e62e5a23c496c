/** What `pnpm start` cannot prove by running: how it ends when it does not run through. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";

const RUN_ALL = join(import.meta.dirname, "..", "src", "run-all.ts");

interface Ending {
  readonly exitCode: number | null;
  readonly output: string;
}

async function runAll(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ending> {
  const child = spawn(process.execPath, [RUN_ALL, ...args], {
    env: { ...process.env, NODE_OPTIONS: "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exit = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { exitCode, output: stdout + stderr };
}

describe("run-all", () => {
  it("explains itself", async () => {
    const { exitCode, output } = await runAll(["--help"]);
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: expect.stringContaining("Usage: ") });
  });

  it("refuses what it does not know, and shows its usage", async () => {
    const { exitCode, output } = await runAll(["--speed"]);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: expect.stringContaining("Usage: ") });
  });

  it.each([
    ["MCP_TASK_STORE_POSTGRES", {}],
    ["MCP_TASK_STORE_REDIS", { MCP_TASK_STORE_POSTGRES: "off" }],
  ])("fails when %s wants what there is not", async (variable, environment) => {
    const { exitCode, output } = await runAll([], { ...environment, [variable]: "nowhere" });
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringContaining(variable) });
  });
});
