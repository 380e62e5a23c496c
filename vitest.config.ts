import { availableParallelism } from "node:os";
import { configDefaults, type TestProjectInlineConfiguration, type ViteUserConfig } from "vitest/config";
import "./scripts/compile-cache.ts";

/**
 * Nothing of theirs is the whole process's: loading what they test once, not for each file, halves what they cost. Such a
 * test must leave nothing behind.
 */
const TOGETHER = ["packages/{core,memory,postgres,mongodb,redis,sdk}/test/**/*.test.ts"];

/** @param isolate whether each file has a process of its own */
function project(
  name: string,
  isolate: boolean,
  files: TestProjectInlineConfiguration["test"],
): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      ...files,
      // Real processes: what leaks a socket or a signal handler harms few others.
      pool: "forks",
      isolate,
      // Sources run as they are, by Node itself, which keeps what it compiled: vitest would transform them for each file.
      server: { deps: { external: [/\/(?:packages|conformance|examples|scripts)\/(?:[^/]+\/)?src\//] } },
      // Only what hangs gets there, on a busy machine as well.
      testTimeout: 180_000,
      hookTimeout: 180_000,
    },
  };
}

const config: ViteUserConfig = {
  test: {
    projects: [
      project("together", false, { include: TOGETHER }),
      project("alone", true, {
        include: ["{packages,examples}/*/test/**/*.test.ts", "{conformance,scripts}/test/**/*.test.ts"],
        exclude: [...configDefaults.exclude, ...TOGETHER],
      }),
    ],
    // Vitest leaves one processor idle, half of a small machine; and these tests wait for servers and processes more
    // than half of their time.
    maxWorkers: 2 * availableParallelism(),
    // Starts the servers once a run and hands their addresses to the tests.
    globalSetup: ["@mcp-task-store/services/vitest-global-setup"],
    teardownTimeout: 30_000,
    // Tests answer for every rejection they cause.
    dangerouslyIgnoreUnhandledErrors: false,
  },
};

export default config;
