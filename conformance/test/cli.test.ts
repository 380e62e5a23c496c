import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { rules } from "../src/index.ts";

const BIN = join(import.meta.dirname, "../src/bin.ts");
const TARGETS = join(import.meta.dirname, "targets");
const directory = mkdtempSync(join(tmpdir(), "mcp-task-store-cli-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. A command that does not end by itself is killed, and fails the test. */
function cli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const options = { cwd: directory, timeout: 150_000, env: { ...process.env, ...env } };
    execFile(process.execPath, [BIN, ...args], options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(new Error("it did not end", { cause: error }));
      else resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

const GOOD = join(TARGETS, "good.ts");
const HURT = join(TARGETS, "hurt.ts");
const FAST = ["--rule", "lifecycle/times", "--rule", "cancel/terminal-rejected", "--replays", "1"];

describe("help", () => {
  it.each([[[]], [["run"]], [["list"]], [["explain"]], [["init"]]])("is there for %j", async (command) => {
    const { code, stdout } = await cli([...command, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: mcp-task-store-conformance/);
  });
});

describe("run", () => {
  it("ends with 0 and the verdict for a store that conforms, and prints nothing else but its report", async () => {
    const { code, stdout, stderr } = await cli(["run", GOOD, ...FAST, "--seed", "7"]);
    expect(stdout).toMatch(
      /2 passed, 0 failed, 0 could not run, 0 not applicable in .*, seed 7\ngood 1\.2\.3: conformant\n$/,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("ends with 1 for one that does not, and says how to run that rule again", async () => {
    const { code, stdout } = await cli(["run", HURT, ...FAST, "--seed", "7"], { FAULT: "cancels-in-silence" });
    expect(code).toBe(1);
    expect(stdout).toContain("hurt: nonconformant");
    const [, again = ""] = /again {3}npx mcp-task-store-conformance (.*)$/m.exec(stdout) ?? [];
    expect(again).toBe(`run ${HURT} --rule cancel/terminal-rejected --seed 7`);
    expect(await cli(again.split(" "), { FAULT: "cancels-in-silence" })).toMatchObject({ code: 1 });
  });

  it("judges stores of the SDK 1.x by what their interfaces can express", async () => {
    const sdk = join(TARGETS, "sdk-in-memory.ts");
    const sound = await cli(["run", sdk, "--rule", "cancel/race-finish", "--rule", "v1/guards"]);
    expect(sound.stdout).toMatch(/2 passed, .*\nInMemoryTaskStore: conformant\n$/);
    const { code, stdout } = await cli(["run", sdk, "--rule", "v1/status", "--replays", "1"]);
    expect(stdout).toContain("saw     { kind: 'fulfilled', value: undefined }");
    expect(code).toBe(1);
  });

  it("ends with 3 when something could not run", async () => {
    const { code, stdout } = await cli(["run", HURT, ...FAST], { FAULT: "not-loaded" });
    expect(code).toBe(3);
    expect(stdout).toContain("no server listens");
    expect(stdout).toContain("incomplete");
  });

  it.each([
    [["run"], "missing required argument"],
    [["run", "nothing.ts"], "there is no file nothing.ts"],
    [
      ["run", GOOD, "--rule", "cancel/nothing"],
      "no rule or theme is called cancel/nothing; `list` and `list --server` show all",
    ],
    [["list", "--rule", "cancel/coo"], "no rule or theme is called cancel/coo; there are cancel/coop"],
    [
      ["server", "--url", "http://127.0.0.1:1", "--rule", "x/cance"],
      "is called x/cance; there are x/cancel-ack, x/cancelled",
    ],
    [["explain", "nothing"], "no rule is called nothing; `list` and `list --server` show all"],
    [["run", GOOD, "--seed", "one"], "Give an integer of 0 or more"],
    [["run", GOOD, "--seed", "9007199254740993"], "Give an integer of 0 or more, at most 9007199254740991."],
    [["run", GOOD, "--repeat", "0"], "Give an integer of 1 or more"],
    [["run", GOOD, "--reporter", "yaml"], "Allowed choices are pretty, json, junit, markdown"],
    [["run", GOOD, "--generation", "2024"], "Allowed choices are 2025-11-25, 2026-07-28"],
    [["run", GOOD, "--ruleset", "7"], "MAJOR.MINOR"],
    [["run", GOOD, "--baseline", "none.json"], "--baseline none.json: ENOENT"],
    [["run", GOOD, "--output", "/dev/null/report"], "--output /dev/null/report: "],
    [["run", GOOD, "--fast"], "unknown option '--fast'"],
    [["explain", "cancel/coo"], "there are cancel/coop"],
    [["dance"], "unknown command 'dance'"],
  ])("ends with 2 for %j", async (args, message) => {
    const { code, stdout, stderr } = await cli(args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("writes the report where it is told, and shows the pretty one", async () => {
    const file = join(directory, "reports", "report.json");
    const { code, stdout } = await cli(["run", GOOD, ...FAST, "--reporter", "json", "--output", file]);
    expect(code).toBe(0);
    expect(stdout).toContain("good 1.2.3: conformant");
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      format: 1,
      verdict: "conformant",
      command: `run ${GOOD}`,
    });
  });

  it("plays the rules of one generation, and several rounds", async () => {
    const generation = ["--generation", "2025-11-25", "--repeat", "2", "--reporter", "json"];
    const { stdout } = await cli(["run", GOOD, ...FAST, ...generation]);
    expect(JSON.parse(stdout)).toMatchObject({
      generation: "2025-11-25",
      repeat: 2,
      rules: [{ rounds: { failed: 0, of: 2 } }, { rounds: { failed: 0, of: 2 } }],
    });
  });

  it("holds failures against a baseline", async () => {
    writeFileSync(
      join(directory, "baseline.json"),
      JSON.stringify({ knownFailures: { "cancel/terminal-rejected": "issue 12" } }),
    );
    const args = ["run", HURT, ...FAST, "--baseline", "baseline.json"];
    expect(await cli(args, { FAULT: "cancels-in-silence" })).toMatchObject({ code: 0 });
    const fixed = await cli(args);
    expect(fixed.code).toBe(1);
    expect(fixed.stdout).toContain("take cancel/terminal-rejected out of the baseline");
  });
});

describe("list and explain", () => {
  it("name every rule", async () => {
    const { stdout } = await cli(["list"]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(rules.length);
    const { stdout: json } = await cli(["list", "--rule", "cancel", "--json"]);
    const listed: readonly { readonly id: string }[] = JSON.parse(json);
    const cancel = rules.map(({ id }) => id).filter((id) => id.startsWith("cancel/"));
    expect(listed.map(({ id }) => id).toSorted()).toEqual(cancel.toSorted());
  });

  it("say of a rule what it finds, and on whose authority", async () => {
    const { stdout } = await cli(["explain", "cancel/terminal-rejected"]);
    expect(stdout).toContain("A task that has ended cannot be cancelled");
    expect(stdout).toContain("S-55");
    expect(stdout).toContain("cancel-silent: ");
  });
});

describe("init", () => {
  it.each([
    ["a folder where none can be", (): string => "/proc/nope"],
    [
      "a file",
      (): string => {
        writeFileSync(join(directory, "afile"), "mine");
        return "afile";
      },
    ],
    [
      "a folder whose .github is a file",
      (): string => {
        mkdirSync(join(directory, "taken"));
        writeFileSync(join(directory, "taken/.github"), "mine");
        return "taken";
      },
    ],
    [
      "a folder whose job is a folder",
      (): string => {
        mkdirSync(join(directory, "folders/.github/workflows/conformance.yml"), { recursive: true });
        return "folders";
      },
    ],
  ])("says in a line that it cannot write to %s, and leaves nothing half done", async (_, made) => {
    const home = made();
    const { code, stdout, stderr } = await cli(["init", home, "--force"]);
    expect(stderr).toMatch(/^error: init .*: E[A-Z]+: .*\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(existsSync(join(directory, home, "conformance.target.mts"))).toBe(false);
  });

  it("writes the target file that the README shows", async () => {
    await cli(["init", "as-documented"]);
    const written = readFileSync(join(directory, "as-documented/conformance.target.mts"), "utf8");
    const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    expect(readme).toContain(`<!-- snippet: target -->\n\`\`\`ts\n${written}\`\`\`\n`);
  });

  it("says what to do in the folder that it wrote to", async () => {
    const { stdout } = await cli(["init", "packages/a store"]);
    expect(stdout).toContain("Next:\n  cd 'packages/a store'\n  npm install --save-dev");
  });

  it("writes a target file and a job, and never over what is there", async () => {
    const home = join(directory, "project");
    mkdirSync(home);
    const first = await cli(["init", home]);
    expect(first.code).toBe(0);
    const target = join(home, "conformance.target.mts");
    expect(readFileSync(target, "utf8")).toContain('ruleset: "0.1"');
    writeFileSync(target, "mine");
    rmSync(join(home, ".github"), { recursive: true });
    const second = await cli(["init", home]);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain("conformance.target.mts: there already; --force overwrites");
    expect(readFileSync(target, "utf8")).toBe("mine");
    expect(existsSync(join(home, ".github"))).toBe(false);
    expect(await cli(["init", home, "--force"])).toMatchObject({ code: 0 });
    expect(readFileSync(target, "utf8")).toContain("storeTarget");
    expect(existsSync(join(home, ".github/workflows/conformance.yml"))).toBe(true);
  });

  it.each([
    ["package-lock.json", ["npm ci", "npx --no --"]],
    ["pnpm-lock.yaml", ["pnpm install --frozen-lockfile", "pnpm exec"]],
    ["yarn.lock", ["yarn install --immutable", "yarn"]],
  ])("installs by %s", async (lockfile, [install = "", exec = ""]) => {
    const home = join(directory, lockfile);
    mkdirSync(home);
    writeFileSync(join(home, lockfile), "");
    await cli(["init", home]);
    const job = readFileSync(join(home, ".github/workflows/conformance.yml"), "utf8");
    expect(job).toContain(`- run: ${install}\n`);
    expect(job).toContain(`- run: ${exec} mcp-task-store-conformance run conformance.target.mts`);
  });
});
