import { availableParallelism } from "node:os";
import type { ViteUserConfig } from "vitest/config";
import "./scripts/compile-cache.ts";

const config: ViteUserConfig = {
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "conformance/test/**/*.test.ts",
      "examples/*/test/**/*.test.ts",
      "scripts/test/**/*.test.ts",
    ],
    // Real processes: a test that leaks a socket or a signal handler harms its own file only.
    pool: "forks",
    // Sources run as they are, by Node itself, which keeps what it compiled: vitest would transform them for each file.
    server: { deps: { external: [/\/(?:packages|conformance|examples|scripts)\/(?:[^/]+\/)?src\//] } },
    // Vitest leaves one processor idle, half of a small machine; and these tests wait for servers and processes half of
    // their time.
    maxWorkers: Math.max(2, Math.ceil(availableParallelism() * 1.5)),
    // Starts the servers once a run and hands their addresses to the tests.
    globalSetup: ["@mcp-task-store/services/vitest-global-setup"],
    // Only what hangs gets there, on a busy machine as well.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    // Tests answer for every rejection they cause.
    dangerouslyIgnoreUnhandledErrors: false,
  },
};

export default config;
