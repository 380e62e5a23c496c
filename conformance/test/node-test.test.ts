import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** What `node --test` says of a file, as TAP. */
function tapOf(file: string): Promise<{ readonly code: number; readonly stdout: string }> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const args = ["--test", "--test-reporter=tap", join(import.meta.dirname, "targets", file)];
    execFile(process.execPath, args, { timeout: 150_000, env }, (error, stdout) => {
      if (error !== null && typeof error.code !== "number") reject(new Error("it did not end", { cause: error }));
      else resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout });
    });
  });
}

describe("describeConformance of node:test", () => {
  it("makes each rule a test: passed, skipped with a reason, or failed with all that a reader needs", async () => {
    const { code, stdout } = await tapOf("with-node-test.ts");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ *ok \d+ - lifecycle\/times: /m);
    expect(stdout).toMatch(/^ *ok \d+ - durable\/reopen: .* # SKIP needs restart/m);
    expect(stdout).toMatch(/^ *ok \d+ - cancel\/late-result: .* # SKIP .*issue 12/m);
    expect(stdout).toMatch(/^ *not ok \d+ - cancel\/terminal-rejected: /m);
    expect(stdout).toContain('describeConformance(target, { rules: ["cancel/terminal-rejected"], seed: 7 })');
    expect(stdout).toMatch(/^# pass 1$/m);
    expect(stdout).toMatch(/^# skipped 2$/m);
    expect(stdout).toMatch(/^# fail 1$/m);
  });
});
