import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { redisIsLeftOut } from "../src/index.ts";
import { isAlive } from "../src/processes.ts";
import { wordsUsedBy } from "../src/test-file-needs.ts";
import { TEST_REDIS_VARIABLE } from "../src/test-redis.ts";
import { setup, teardown } from "../src/vitest-global-setup.ts";
import { runDirectoriesOf, serversOfThisProcess } from "./run-directories.ts";

/** In two pieces, or this file itself would be one that asks for them. */
const helper = (what: string): string => `freshTest${what}`;

/** Writes a tree of files, each a path with its text. @returns where each is */
function files(...tree: readonly (readonly [path: string, text: string])[]): ReadonlyMap<string, string> {
  const directory = mkdtempSync(join(tmpdir(), "mcp-task-store-needs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return new Map(
    tree.map(([path, text]) => {
      const file = join(directory, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return [path, file];
    }),
  );
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("what a run needs", () => {
  const tree = (): ReadonlyMap<string, string> =>
    files(
      ["a/test/unit.test.ts", 'import { it } from "vitest";\nimport { sum } from "../src/sum.ts";'],
      ["a/src/sum.ts", "export const sum = 1;"],
      ["a/test/direct.test.ts", 'import { freshTestOne } from "services";\nawait freshTestOne();'],
      ["a/test/through.test.ts", 'import { scratch } from "./scratch.ts";'],
      ["a/test/scratch.ts", 'import { freshTestTwo } from "services";\nimport "./through.test.ts";'],
      ["a/test/late.test.ts", 'const { scratch } = await import(\n  "./scratch.ts"\n);'],
      ["a/test/other.test.ts", "freshTestOneMore();"],
    );
  const words = ["freshTestOne", "freshTestTwo"];

  it.each([
    ["a/test/unit.test.ts", []],
    ["a/test/direct.test.ts", ["freshTestOne"]],
    ["a/test/through.test.ts", ["freshTestTwo"]],
    ["a/test/late.test.ts", ["freshTestTwo"]],
    ["a/test/other.test.ts", []],
    ["not/there.test.ts", []],
  ])("is what %s names, itself or by what it imports", (name, expected) => {
    expect([...wordsUsedBy([tree().get(name) ?? name], words)]).toEqual(expected);
  });

  it("does not count the helpers' own files", () => {
    expect([...wordsUsedBy([join(import.meta.dirname, "tcp-proxy.test.ts")], [helper("Redis")])]).toEqual([]);
  });
});

describe("the run's servers", () => {
  function projectWith(text: string): Parameters<typeof setup>[0] {
    const paths = [...files(["some.test.ts", text]).values()];
    return { vitest: { state: { getPaths: () => paths } } };
  }

  function spoken(): () => string {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    return () => write.mock.calls.map(([text]) => String(text)).join("");
  }

  it("start only when a file asks", async () => {
    const before = serversOfThisProcess();
    const said = spoken();
    await setup(projectWith("nothing"));
    expect(serversOfThisProcess()).toEqual(before);
    expect(said()).toBe("");
    await teardown();
  });

  it("are named when they are left out", async () => {
    vi.stubEnv("MCP_TASK_STORE_REDIS", "off");
    const said = spoken();
    await setup(projectWith(`${helper("Redis")} ${helper("RedisCluster")}`));
    expect(said()).toBe(
      "redis: LEFT OUT by MCP_TASK_STORE_REDIS=off\nredis cluster: LEFT OUT by MCP_TASK_STORE_REDIS=off\n",
    );
  });

  it.skipIf(redisIsLeftOut())("all stop when one does not start, and that one's failure is told", async () => {
    vi.stubEnv(TEST_REDIS_VARIABLE, undefined);
    vi.stubEnv("MCP_TASK_STORE_MONGODB", "env");
    vi.stubEnv("MONGODB_URL", undefined);
    const before = { servers: serversOfThisProcess(), directories: runDirectoriesOf(process.pid) };
    const said = spoken();
    await expect(setup(projectWith(`${helper("Redis")} ${helper("Mongo")}`))).rejects.toThrow(/set MONGODB_URL/);
    expect(said()).toMatch(/^(redis|valkey) \d/);
    expect({ servers: serversOfThisProcess().filter(isAlive), directories: runDirectoriesOf(process.pid) }).toEqual(
      before,
    );
  });
});
