/** What users install: the tarballs themselves, and an empty project with nothing but npm that installs and runs them. */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, dirname, join, posix } from "node:path";
import { inspect } from "node:util";
import {
  freshTestDatabase,
  freshTestMongo,
  freshTestRedis,
  mongoIsLeftOut,
  postgresIsLeftOut,
  redisIsLeftOut,
} from "@mcp-task-store/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { apiReport } from "../api-report.ts";
import { installOldestNode, NpmProject, OLDEST_NODE, workspaceNode } from "../npm-project.ts";
import { packPackage, type PackedPackage } from "../packed-package.ts";
import { guideFiles, guideSteps, quickStart, readmeSnippets } from "../readme-snippets.ts";
import { type Captured, runCaptured } from "../run-captured.ts";
import { rootDirectory, workspacePackages } from "../workspace.ts";

/** What the kit ships besides, for readers. */
const REQUIREMENTS = ["2025-11-25", "2026-07-28", "promises"].map((file) => `requirements/${file}.yaml`);

/** For what builds, installs or compiles. */
const TIMEOUT_MS = 360_000;

const published = workspacePackages().filter(({ published, hasSources }) => published && hasSources);
const directory = mkdtempSync(join(tmpdir(), "mcp-task-store-packed-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const packing = new Map<string, Promise<PackedPackage>>();

/** All are packed side by side, when the first is asked for. */
function packed(name: string): Promise<PackedPackage> {
  if (packing.size === 0) {
    for (const each of published) {
      const started = packPackage(each, directory);
      // Whoever asks for it gets the failure.
      started.catch(() => {});
      packing.set(each.name, started);
    }
  }
  return packing.get(name) ?? Promise.reject(new Error(`${name} is not a published package`));
}

async function tarballs(...names: readonly string[]): Promise<readonly string[]> {
  const all = await Promise.all(names.map(packed));
  return all.map(({ tarball }) => tarball);
}

let installing: Promise<string> | undefined;

/** Its program; installed once. */
function oldestNode(): Promise<string> {
  return (installing ??= installOldestNode(join(directory, "node")));
}

const NODES: readonly [name: string, program: () => Promise<string>, version: RegExp][] = [
  [OLDEST_NODE, oldestNode, /^v20\.19\.0$/],
  ["24", async () => workspaceNode(), /^v24\./],
];

const COMPLETED = inspect({ status: "completed", result: { content: [{ type: "text", text: "42 words" }] } });

/** The snippets that are whole programs, by name, and what they print. */
const PROGRAM_OUTPUT: ReadonlyMap<string, string> = new Map([
  ["quick-start", COMPLETED],
  ["backend", "undefined"],
  ["history", "true"],
]);

describe.each(published.map(({ name, entries }) => [name, entries] as const))("the tarball of %s", (name, entries) => {
  let contents: string;
  let files: readonly string[];
  const read = (path: string): string => readFileSync(join(contents, path), "utf8");

  beforeAll(async () => {
    contents = (await packed(name)).contents;
    const all = globSync("**", { cwd: contents, withFileTypes: true });
    files = all
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(contents.length + 1));
  }, TIMEOUT_MS);

  it("holds the build, a README, the licence and the manifest, and nothing else", () => {
    const others = files.filter((path) => !/^dist\/[\w./-]+\.(?:js|d\.ts|js\.map|d\.ts\.map)$/.test(path));
    const more = name === "@mcp-task-store/conformance" ? REQUIREMENTS : [];
    expect(others.toSorted()).toEqual(["LICENSE", "README.md", "package.json", ...more]);
    expect(read("LICENSE")).toBe(readFileSync(join(rootDirectory, "LICENSE"), "utf8"));
    expect(read("README.md")).toMatch(new RegExp(`^# ${name}\n`));
  });

  it("has every entry, as code and as types", () => {
    const { exports } = JSON.parse(read("package.json"));
    expect(Object.keys(exports)).toEqual([...entries, "./package.json"]);
    for (const entry of entries) {
      expect(exports[entry]).toEqual({
        types: expect.stringMatching(/\.d\.ts$/),
        default: expect.stringMatching(/\.js$/),
      });
      for (const path of Object.values<string>(exports[entry]))
        expect(existsSync(join(contents, path)), path).toBe(true);
    }
  });

  it("depends on versions, not on this workspace", () => {
    expect(read("package.json")).not.toMatch(/"(?:workspace|catalog|link|file):/);
  });

  it("says nothing of the machine it was built on", () => {
    const traces = [rootDirectory, homedir(), tmpdir()].filter((path) => path.length > 1).map((path) => `${path}/`);
    const telling = files.flatMap((path) => traces.filter((trace) => read(path).includes(trace)).map(() => path));
    expect(telling).toEqual([]);
  });

  it("keeps the validator out of its types", () => {
    const declarations = files.filter((path) => path.endsWith(".d.ts"));
    expect(declarations).not.toEqual([]);
    expect(declarations.filter((path) => /zod/i.test(read(path)))).toEqual([]);
  });

  it("shows the types that its API report says (to renew it: pnpm api-report)", async () => {
    const path = join(rootDirectory, "api", `${name.split("/")[1]}.md`);
    await expect(apiReport(name, contents)).toMatchFileSnapshot(path);
  });

  it("satisfies publint", { timeout: TIMEOUT_MS }, async () => {
    const { tarball } = await packed(name);
    const publint = join(rootDirectory, "node_modules", ".bin", "publint");
    const { stdout } = await runCaptured(publint, ["run", tarball, "--strict"], { cwd: rootDirectory });
    expect(stdout).toContain("All good!");
  });
});

describe("core and postgres, installed by npm into an empty folder", () => {
  const project = new NpmProject(join(directory, "core-and-postgres"));

  beforeAll(async () => {
    await project.install(...(await tarballs("@mcp-task-store/core", "@mcp-task-store/postgres")));
    await Promise.all([project.install("--save-dev", "typescript@~5.9.3", "@types/node@20"), oldestNode()]);
    project.write("quick-start.ts", quickStart().code);
  }, TIMEOUT_MS);

  it("bring no copy of core beside the one that was asked for", () => {
    const copies = globSync("**/@mcp-task-store/core/package.json", { cwd: project.directory });
    expect(copies).toEqual([join("node_modules", "@mcp-task-store", "core", "package.json")]);
  });

  it("compile the README's quick start", { timeout: TIMEOUT_MS }, async () => {
    await project.compile(["quick-start.ts"]);
    expect(existsSync(join(project.directory, "out", "quick-start.js"))).toBe(true);
  });

  it.skipIf(postgresIsLeftOut()).each(NODES)(
    "run the README's quick start on Node %s",
    { timeout: TIMEOUT_MS },
    async (_, program, version) => {
      await using database = await freshTestDatabase();
      const node = await program();
      expect((await project.run(node, ["--version"])).stdout.trim()).toMatch(version);
      const { stdout, stderr } = await project.run(node, ["out/quick-start.js"], { DATABASE_URL: database.url });
      expect(stdout).toBe(`${COMPLETED}\n`);
      expect(stderr).toBe("");
    },
  );
});

interface Step {
  readonly run?: string;
}

/** The commands of the CI job that `init` wrote, in their order. */
function commandsOf(workflow: string): readonly string[] {
  const { jobs }: { readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>> } = parse(workflow);
  return Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => (run === undefined ? [] : [run])));
}

describe.each(NODES)("the kit alone, installed by npm into an empty folder, on Node %s", (version, program) => {
  const project = new NpmProject(join(directory, `kit-alone-${version}`));
  let env: Readonly<Record<string, string>>;
  const kit = (...args: readonly string[]): Promise<Captured> =>
    project.run(join("node_modules", ".bin", "mcp-task-store-conformance"), args, env);

  beforeAll(async () => {
    const summary = join(project.directory, "summary.md");
    const path = [dirname(await program()), process.env["PATH"]].join(delimiter);
    env = { PATH: path, GITHUB_STEP_SUMMARY: summary, NODE_OPTIONS: "" };
    await project.install(...(await tarballs("@mcp-task-store/core", "@mcp-task-store/conformance")));
  }, TIMEOUT_MS);

  it("brings no test runner", () => {
    expect(existsSync(join(project.directory, "node_modules", "vitest"))).toBe(false);
  });

  it("judges the store of the README's target file, TypeScript as it is", { timeout: TIMEOUT_MS }, async () => {
    const snippet = readmeSnippets().find(({ path, name }) => path === "conformance/README.md" && name === "target");
    expect(snippet?.code.trim().split("\n").length).toBeLessThanOrEqual(15);
    project.write("my-store.target.ts", snippet?.code ?? "");
    const { stdout, stderr } = await kit("run", "my-store.target.ts", "--rule", "finish", "--rule", "wait/many");
    expect(stdout).toMatch(/ 0 failed, 0 could not run, .*\nthe kit's own store: conformant\n$/);
    expect(stderr).toBe("");
  });

  it("writes a target file and a CI job that work as they are", { timeout: TIMEOUT_MS }, async () => {
    await kit("init");
    const workflow = readFileSync(join(project.directory, ".github/workflows/conformance.yml"), "utf8");
    const commands = commandsOf(workflow);
    expect(commands[0]).toBe("npm ci");
    for (const command of commands) await project.run("bash", ["-euo", "pipefail", "-c", command], env);
    expect(readFileSync(join(project.directory, "summary.md"), "utf8")).toMatch(
      /^## the kit's own store: conformant$/m,
    );
  });
});

describe("docs/build-your-own-store.md, from an empty folder", () => {
  const path = "docs/build-your-own-store.md";
  const steps = guideSteps(readFileSync(join(rootDirectory, path), "utf8"), path);
  const project = new NpmProject(join(directory, "own-store"));

  it("ends with a store that is conformant, on the oldest Node", { timeout: 2 * TIMEOUT_MS }, async () => {
    rmSync(join(project.directory, "package.json"));
    const bin = [dirname(await oldestNode()), process.env["PATH"]].join(delimiter);
    const ours = new Map(
      await Promise.all(published.map(async ({ name }) => [name, (await packed(name)).tarball] as const)),
    );
    for (const [file, code] of guideFiles(steps)) project.write(file, code);
    let output = "";
    for (const step of steps) {
      if (!("command" in step)) continue;
      // Not from the registry, but as they are now.
      const command = step.command.replaceAll(/@mcp-task-store\/\w+/g, (name) => ours.get(name) ?? name);
      output = (await project.run("bash", ["-c", command], { PATH: bin, NODE_OPTIONS: "" })).stdout;
    }
    expect(output).toMatch(/ 0 failed, 0 could not run, .*\nlmdb: conformant\n$/);
  });

  it("shows code that compiles", { timeout: TIMEOUT_MS }, async () => {
    await project.install("--save-dev", "typescript@~5.9.3", "@types/node@20");
    const files = [...guideFiles(steps).keys()];
    // The declarations of lmdb have an export that modules do not allow.
    await project.compile(files, { skipLibCheck: true });
    for (const file of files) expect(existsSync(join(project.directory, "out", file.replace(/ts$/, "js")))).toBe(true);
  });
});

describe("every published package, installed by npm into an empty folder", () => {
  const project = new NpmProject(join(directory, "every-package"));
  const snippets = readmeSnippets().map(({ path, name = "", code }) => {
    const file = `${path.replace(/\/?README\.md$|\.md$/, "").replaceAll("/", "-") || "repository"}-${name}`;
    // Vitest looks for tests by this ending.
    return { name, code, file: name === "conformance" ? `${file}.test` : file };
  });

  beforeAll(async () => {
    const all = await tarballs(...published.map(({ name }) => name));
    // What the snippets import besides: optional peers, and the schemas of the user's choice.
    const peers = [
      "@modelcontextprotocol/sdk@^1.32.2",
      "@modelcontextprotocol/server@^2.4.0",
      "@hono/node-server@^2.1.8",
      "zod@^4.2.0",
    ];
    await project.install(...all, ...peers, "typescript@~5.9.3", "@types/node@20", "vitest@^4");
    for (const { file, code } of snippets) project.write(`${file}.ts`, code);
  }, TIMEOUT_MS);

  // The entry for a test runner can be imported by that runner only; the snippet below does.
  const entries = published.flatMap(({ name, entries }) => entries.map((entry) => posix.join(name, entry)));
  it.each(entries.filter((entry) => !entry.endsWith("/vitest")))(
    "lets the oldest Node import %s",
    async (entry) => {
      const program = `console.log(Object.keys(await import("${entry}")).length)`;
      const { stdout, stderr } = await project.run(await oldestNode(), ["--input-type=module", "--eval", program]);
      expect(Number(stdout)).toBeGreaterThan(0);
      expect(stderr).toBe("");
    },
    TIMEOUT_MS,
  );

  it("compiles the snippets of all READMEs", { timeout: TIMEOUT_MS }, async () => {
    await project.compile(snippets.map(({ file }) => `${file}.ts`));
    const missing = snippets.filter(({ file }) => !existsSync(join(project.directory, "out", `${file}.js`)));
    expect(missing).toEqual([]);
  });

  // Those on Postgres are the repository's quick start, which ran above; those on other servers run below.
  const programs = snippets.filter(
    ({ name, code }) => PROGRAM_OUTPUT.has(name) && !/\/(?:postgres|mongodb|redis)"/.test(code),
  );
  it.each(programs.map(({ file, name }) => [file, name]))(
    "runs %s",
    { timeout: TIMEOUT_MS },
    async (file, name = "") => {
      const { stdout, stderr } = await project.run(await oldestNode(), [`out/${file}.js`]);
      expect(stdout).toBe(`${PROGRAM_OUTPUT.get(name)}\n`);
      expect(stderr).toBe("");
    },
  );

  it("judges the stores of the SDK in the README's target file", { timeout: TIMEOUT_MS }, async () => {
    const [snippet] = snippets.filter(({ name }) => name === "sdk-v1");
    const bin = join("node_modules", "@mcp-task-store", "conformance", "dist", "bin.js");
    const args = [bin, "run", `${snippet?.file}.ts`, "--rule", "cancel", "--rule", "v1/guards"];
    const { stdout } = await project.run(await oldestNode(), args);
    expect(stdout).toMatch(/\n5 passed, 0 failed, 0 could not run, .*\nthe SDK's own: conformant\n$/);
  });

  it(
    "judges the store of the node-test snippet, by the oldest Node's own runner",
    { timeout: TIMEOUT_MS },
    async () => {
      const [snippet] = snippets.filter(({ name }) => name === "node-test");
      const { stdout } = await project.run(await oldestNode(), ["--test", `out/${snippet?.file}.js`]);
      expect(stdout).toMatch(/^# fail 0$/m);
      expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(10);
    },
  );

  it.skipIf(mongoIsLeftOut())("runs the quick start on MongoDB", { timeout: TIMEOUT_MS }, async () => {
    await using mongo = await freshTestMongo();
    const url = new URL(mongo.url);
    url.pathname = `/${mongo.database}`;
    const program = ["out/packages-mongodb-quick-start.js"];
    const { stdout, stderr } = await project.run(await oldestNode(), program, { MONGODB_URL: url.href });
    expect(stdout).toBe(`${COMPLETED}\n`);
    expect(stderr).toBe("");
  });

  it.skipIf(redisIsLeftOut())("runs the quick start on Redis", { timeout: TIMEOUT_MS }, async () => {
    await using redis = await freshTestRedis();
    const program = ["out/packages-redis-quick-start.js"];
    const { stdout } = await project.run(await oldestNode(), program, { REDIS_URL: redis.url });
    expect(stdout).toBe(`${COMPLETED}\n`);
  });

  it("judges the store of the conformance snippet, by vitest on the oldest Node", { timeout: TIMEOUT_MS }, async () => {
    const vitest = ["node_modules/vitest/vitest.mjs", "run", "--reporter=json", "--outputFile=verdict.json"];
    await project.run(await oldestNode(), vitest);
    const verdict = JSON.parse(readFileSync(join(project.directory, "verdict.json"), "utf8"));
    expect(verdict).toMatchObject({ numTotalTestSuites: expect.any(Number), numFailedTests: 0, success: true });
    expect(verdict.numPassedTests).toBeGreaterThan(50);
  });
});
