import { redisIsLeftOut } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { type DemoRun, runDemoProcess } from "./run-demo-process.ts";

const CLAIMS = [
  "is taken over",
  "and finished with the right result",
  "the first worker's token is worth nothing then",
  "the task beside it is right, and was not disturbed",
  "the client heard of all that without asking",
  "a question waits for the user, and no worker with it",
  "answered, the tool goes on to the right result",
  "stops the worker",
  "and cancelled it stays",
  "a second principal learns nothing, and changes nothing",
  "complete against cancel: exactly one winner",
  "the conformance kit judges this store",
  "nothing is left behind",
] as const;
/** Where tasks outlive their server. */
const RESTART = "the server is killed; the client goes on with the same task";

function expectAllHeld({ exitCode, output, leftFiles, leftProcesses }: DemoRun, claims: readonly string[]): void {
  expect(output).not.toContain("✗");
  for (const claim of claims) expect(output).toMatch(new RegExp(`^✓ .*${claim}`, "m"));
  expect(output).toContain(`All ${claims.length} claims held.`);
  // eslint-disable-next-line no-control-regex -- that there is none is the point
  expect(output).not.toMatch(/\u001b/);
  expect({ exitCode, leftFiles, leftProcesses }).toEqual({ exitCode: 0, leftFiles: [], leftProcesses: [] });
}

// Each act has a deadline of its own, and says what it waited for in vain; the demo as a whole has ten minutes.
describe.concurrent("the demo", { timeout: 660_000 }, () => {
  it("holds all its claims on memory", async () => {
    const run = await runDemoProcess(["--backend", "memory", "--seed", "7"]);
    expectAllHeld(run, CLAIMS);
    expect(run.output).toMatch(/^not shown {2}a restart of the server/m);
  });

  // `pnpm test` runs the demo itself as well, which takes Postgres.
  it.skipIf(redisIsLeftOut())("holds all its claims on redis", async () => {
    const run = await runDemoProcess(["--backend", "redis", "--seed", "7"]);
    expectAllHeld(run, [...CLAIMS, RESTART]);
    expect(run.output).toMatch(/SIGKILL: worker-1 \(pid \d+\)/);
    expect(run.output).toMatch(/SIGKILL: the MCP server \(pid \d+\)/);
  });

  it("takes everything down on Ctrl-C", async () => {
    const interruptAt = /nobody renews its lease/;
    const { exitCode, output, leftFiles, leftProcesses } = await runDemoProcess(["--backend", "memory"], {
      interruptAt,
    });
    expect(output).toContain("SIGINT: taking everything down");
    expect({ exitCode, leftFiles, leftProcesses }).toEqual({ exitCode: 130, leftFiles: [], leftProcesses: [] });
  });

  it.each(["--backend=nowhere", "--seed=-1", "--seed=1e3", "--speed"])(
    "refuses %s and shows its usage",
    async (wrong) => {
      const { exitCode, output } = await runDemoProcess([wrong]);
      expect(exitCode).toBe(2);
      expect(output).toContain("Usage: pnpm demo");
    },
  );

  it("explains itself", async () => {
    const { exitCode, output } = await runDemoProcess(["--help"]);
    expect(exitCode).toBe(0);
    expect(output).toContain("--backend");
  });
});
