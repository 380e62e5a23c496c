import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { Report } from "../src/index.ts";
import { judgeFile, type JudgeFileOptions } from "../src/supervised/judge-file.ts";

const timing = { minDeadlineMs: 2_500, rounds: 5 };

/** Beside others, some of which need no delete: those have to come out well, whatever happens to them on the way. */
const rules = ["cancel/terminal-rejected", "finish/iserror", "lifecycle/times", "ttl/wakes"];

function file(name: string): string {
  return join(import.meta.dirname, "targets", name);
}

function hurt(fault: string, options: JudgeFileOptions = {}): Promise<Report> {
  return judgeFile(file("hurt.ts"), { rules, timing, seed: 1, env: { FAULT: fault }, ...options });
}

function ends(report: Report): Readonly<Record<string, string>> {
  return Object.fromEntries(report.rules.map((rule) => [rule.id, rule.outcome]));
}

function reasonOf(report: Report, id: string): string | undefined {
  return report.rules.find((rule) => rule.id === id)?.reason;
}

const ONLY_WAKES_DIED = {
  "cancel/terminal-rejected": "pass",
  "finish/iserror": "pass",
  "lifecycle/times": "pass",
  "ttl/wakes": "could-not-run",
};

/** More than Node strips of types, and no module of ES. */
const ENUM_TARGET = `enum Name { Enumerated = "enumerated" }
exports.target = { name: Name.Enumerated, namespace: () => Promise.reject(new Error("nothing opens here")) };
`;

const directory = mkdtempSync(join(tmpdir(), "mcp-task-store-target-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("a target file", () => {
  it("is judged in a process of its own", async () => {
    const pid: number[] = [];
    const report = await hurt("none", { onProgress: () => pid.push(process.pid) });
    expect(report).toMatchObject({
      verdict: "conformant",
      target: "hurt",
      command: `run ${file("hurt.ts")}`,
      notes: [],
    });
    expect(report.timing?.unitMs).toBeGreaterThan(0);
    expect(pid).toHaveLength(rules.length);
  });

  it("may export its target as its default", async () => {
    const path = join(directory, "by-default.mjs");
    const targets = pathToFileURL(join(import.meta.dirname, "../src/targets.ts")).href;
    writeFileSync(
      path,
      `import { referenceStore, storeTarget } from "${targets}";
       export default storeTarget({ name: "by default", open: referenceStore });`,
    );
    const report = await judgeFile(path, { rules: ["lifecycle/times"], timing });
    expect(report).toMatchObject({ verdict: "conformant", target: "by default" });
  });

  it("may have TypeScript in it that is more than types", async () => {
    const path = join(directory, "target.cts");
    writeFileSync(path, ENUM_TARGET);
    const report = await judgeFile(path, { rules: ["lifecycle/times"], timing });
    expect(report).toMatchObject({ verdict: "incomplete", target: "enumerated" });
    expect(report.rules[0]?.reason).toContain("nothing opens here");
  });

  it("has to be there, and to export a target of this kit", async () => {
    await expect(judgeFile(file("nothing.ts"))).rejects.toThrow(/there is no file .*nothing\.ts/);
    await expect(judgeFile(file("no-target.ts"))).rejects.toThrow(/exports no target; write: export const target/);
    await expect(hurt("no-lanes")).rejects.toThrow(
      /cannot be judged: its concurrency has to be an integer of 1 or more/,
    );
    await expect(hurt("no-open")).rejects.toThrow(
      /cannot be judged: storeTarget needs open, a function; got undefined/,
    );
    await expect(hurt("claims-nonsense")).rejects.toThrow(/its claims has to be a list of promises, P1 to P10/);
    await expect(hurt("pins-the-future")).rejects.toThrow(/knows rulesets up to .* 99\.0 needs a newer one/);
  });
});

describe("a target that harms its process", () => {
  it.each([
    ["exits", {}, /it ended itself with exit code 7/],
    ["loops", { stallMs: 5_000 }, /its event loop stood still for 5000 ms/],
    ["throws", {}, /an uncaught error: TypeError: nobody catches this/],
    ["rejects", {}, /a promise that nobody handles was rejected: TypeError: nobody handles this/],
  ])("costs only the rule during which it %s", async (fault, limits, cause) => {
    const report = await hurt(fault, limits);
    expect(ends(report)).toEqual(ONLY_WAKES_DIED);
    expect(reasonOf(report, "ttl/wakes")).toMatch(cause);
    expect(report.verdict).toBe("incomplete");
  });

  it("leaves open what died only beside others", async () => {
    const report = await hurt("exits-beside-others", { rules: ["finish/iserror", "lifecycle/times"] });
    expect(ends(report)).toEqual({ "finish/iserror": "could-not-run", "lifecycle/times": "could-not-run" });
    expect(reasonOf(report, "lifecycle/times")).toMatch(
      /died while .*finish\/iserror.* ran side by side: it ended itself with exit code 9; alone, it ended as pass/,
    );
  });

  it("is given up after three deaths in a row, and the report comes all the same", async () => {
    const report = await hurt("cancel-exits", {
      rules: ["cancel/late-result", "cancel/race-finish", "cancel/terminal-rejected", "finish/one-winner"],
    });
    expect(new Set(Object.values(ends(report)))).toEqual(new Set(["could-not-run"]));
    const reasons = report.rules.map((rule) => rule.reason ?? "");
    expect(
      reasons.filter((reason) => reason.startsWith("the process of the target died: it ended itself with")),
    ).toHaveLength(3);
    expect(reasons.filter((reason) => /died 3 times in a row; the last time it ended/.test(reason))).toHaveLength(1);
    expect(report.verdict).toBe("incomplete");
  });

  it("is given up as well when it dies before any rule", async () => {
    const report = await hurt("always-exits");
    expect(report.rules.at(-1)?.reason).toMatch(
      /died 3 times in a row; the last time it ended itself with exit code 0/,
    );
  });

  it("is not believed what the kit never says", async () => {
    const report = await hurt("talks-nonsense", { rules: ["lifecycle/times"] });
    expect(report).toMatchObject({ verdict: "conformant", rules: [{ outcome: "pass" }] });
  });

  it("is given up when it does not play what it is told to", async () => {
    const report = await hurt("deaf", { rules: ["lifecycle/times"], quietMs: 1_500 });
    expect(report.rules[0]?.reason).toMatch(/the last time no rule began or ended for 1500 ms/);
    expect(report.verdict).toBe("incomplete");
  });

  it("is judged by errors that cannot be looked at", async () => {
    const report = await hurt("throws-untouchable", { rules: ["ttl/wakes"], replays: 0 });
    expect(report).toMatchObject({ verdict: "nonconformant", rules: [{ outcome: "fail", failure: { by: "call" } }] });
  });

  it("says why its file cannot be loaded", async () => {
    const report = await hurt("not-loaded");
    expect(new Set(report.rules.map((rule) => rule.reason))).toEqual(
      new Set(["the target file was not loaded: Error: no server listens"]),
    );
    expect(report.verdict).toBe("incomplete");
  });

  it("is not waited for when its file never ends to load, or when it never closes", async () => {
    const slow: number[] = [];
    const onSlowLoad = (ms: number): void => void slow.push(ms);
    const unloaded = await hurt("never-loaded", { loadMs: 1_500, onSlowLoad });
    const looping = await hurt("loops-at-load", { loadMs: 1_500, stallMs: 500, onSlowLoad });
    const reasons = [unloaded, looping].flatMap((report) => report.rules.map(({ reason }) => reason));
    expect(new Set(reasons)).toEqual(new Set(["the target file was not loaded: after 1500 ms it was still loading"]));
    // Each was loaded once: another process would not get further.
    expect(slow).toEqual([250, 250]);
    const open = await hurt("stays", { rules: ["lifecycle/times"], closeMs: 500 });
    expect(open).toMatchObject({ verdict: "conformant", rules: [{ outcome: "pass" }] });
    expect(open.notes).toEqual([expect.stringMatching(/after its last rule .* did not close within 500 ms/)]);
  });
});

describe("a target that does not close", () => {
  it("is noted, and no part of the verdict", async () => {
    const report = await hurt("does-not-close", { rules: ["lifecycle/times"] });
    expect(report).toMatchObject({
      verdict: "conformant",
      notes: ["closing the target failed: Error: the server is stuck"],
    });
  });
});

describe("a failure", () => {
  it("is played again with the same seed, and stays failed", async () => {
    const report = await hurt("cancels-in-silence", { rules: ["cancel/terminal-rejected"], replays: 4 });
    expect(report).toMatchObject({
      verdict: "nonconformant",
      rules: [{ outcome: "fail", replays: { failed: 4, of: 4 } }],
    });
  });
});
