import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rules } from "../../conformance/src/rules/catalogue.ts";
import { GUIDES, quickStart, readmeSnippets, snippetsOf } from "../readme-snippets.ts";
import { rootDirectory, workspacePackages } from "../workspace.ts";

describe("snippetsOf", () => {
  it("takes the code between the fences, with its name and its line", () => {
    const markdown =
      "# title\n\n<!-- snippet: one -->\n```ts\nconst a = 1;\n\nconst b = 2;\n```\n\n```sh\nnpm install\n```\n";
    expect(snippetsOf(markdown, "X.md")).toEqual([
      { path: "X.md", line: 4, name: "one", code: "const a = 1;\n\nconst b = 2;\n" },
    ]);
  });

  it("shows a block that nobody marked", () => {
    expect(snippetsOf("```ts\n1;\n```\n", "X.md")).toEqual([{ path: "X.md", line: 1, name: undefined, code: "1;\n" }]);
  });

  it("refuses a block without an end", () => {
    expect(() => snippetsOf("text\n```ts\n1;\n", "X.md")).toThrow("X.md:2");
  });
});

/** What packed-packages.test.ts compiles and runs; here only that nothing escapes it. */
describe("the READMEs", () => {
  const snippets = readmeSnippets();

  it("mark every block of TypeScript, each by its own name", () => {
    const named = snippets.map(({ path, line, name }) => `${path}#${name ?? `unmarked:${line}`}`);
    expect(named).toEqual([...new Set(named)]);
    expect(named.filter((name) => name.includes("unmarked"))).toEqual([]);
  });

  it("are those of the repository and of each published package, and guides", () => {
    const paths = new Set(snippets.map(({ path }) => path));
    expect(paths.has("README.md")).toBe(true);
    expect(paths.size).toBe(1 + workspacePackages().filter(({ published }) => published).length + GUIDES.length);
  });

  it("show the same quick start for Postgres, of about 15 lines", () => {
    const ofPackage = snippets.find(
      ({ path, name }) => path === "packages/postgres/README.md" && name === "quick-start",
    );
    expect(ofPackage?.code).toBe(quickStart().code);
    expect(quickStart().code.trim().split("\n").length).toBeLessThanOrEqual(20);
  });
});

/** A whole run of the kit, as a page shows it. */
const TOTALS = /^(\d+) passed, (\d+) failed, (\d+) could not run, (\d+) not applicable in /gm;

describe("the samples of reports", () => {
  it.each(["conformance/README.md", "docs/build-your-own-store.md"])("in %s count all rules of the kit", (path) => {
    const totals = [...readFileSync(join(rootDirectory, path), "utf8").matchAll(TOTALS)];
    const counted = totals.map(([, ...counts]) => counts.reduce((sum, count) => sum + Number(count), 0));
    expect(counted).toEqual([rules.length]);
  });
});

describe("docs/from-in-memory.md", () => {
  const text = readFileSync(join(rootDirectory, "docs/from-in-memory.md"), "utf8");
  const diff = (/^```diff\n([^]*?)^```$/m.exec(text)?.[1] ?? "").split("\n").slice(0, -1);

  it("changes five lines, to what is compiled", () => {
    const [compiled] = snippetsOf(text, "docs/from-in-memory.md");
    const after = diff.filter((line) => !line.startsWith("-")).map((line) => line.slice(1));
    expect(`${after.join("\n")}\n`).toBe(compiled?.code);
    expect(diff.filter((line) => line.startsWith("+"))).toHaveLength(5);
  });
});

/** Rows of the table under "## Options": name, default. */
function optionsTable(path: string): ReadonlyMap<string, string> {
  const [, section = ""] = readFileSync(join(rootDirectory, path), "utf8").split(/^## Options$/m);
  const rows = (section.split(/^## /m)[0] ?? "").matchAll(/^\| `(\w+)` \|[^|]*\| ([^|]*?) ?\|/gm);
  return new Map([...rows].map(([, name = "", preset = ""]) => [name, preset]));
}

/** Fields of an exported interface: name, what its comment says after `@default`. */
function fieldsOf(path: string, name: string): ReadonlyMap<string, string> {
  const source = readFileSync(join(rootDirectory, path), "utf8");
  const [, body = ""] = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([^]*?)\\n\\}`).exec(source) ?? [];
  const fields = body.matchAll(/(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\s*)?^ {2}readonly (\w+)\??:/gm);
  return new Map(
    [...fields].map(([, comment = "", field = ""]) => [field, /@default ([^\n;,]*)/.exec(comment)?.[1] ?? ""]),
  );
}

describe.each([
  { readme: "packages/core/README.md", interfaces: { TaskStoreOptions: "packages/core/src/options.ts" } },
  { readme: "packages/memory/README.md", interfaces: { MemoryDriverOptions: "packages/memory/src/memory-driver.ts" } },
  {
    readme: "packages/sdk/README.md",
    interfaces: {
      TaskHostOptions: "packages/sdk/src/task-host.ts",
      TasksExtensionOptions: "packages/sdk/src/v2/tasks-extension.ts",
      TasksSupportOptions: "packages/sdk/src/v1/tasks-support.ts",
    },
  },
  { readme: "packages/postgres/README.md", interfaces: { PostgresDriverOptions: "packages/postgres/src/options.ts" } },
  { readme: "packages/redis/README.md", interfaces: { RedisDriverOptions: "packages/redis/src/options.ts" } },
  { readme: "packages/mongodb/README.md", interfaces: { MongoDriverOptions: "packages/mongodb/src/options.ts" } },
])("the options table of $readme", ({ readme, interfaces }) => {
  const table = optionsTable(readme);
  const fields = new Map(Object.entries(interfaces).flatMap(([name, source]) => [...fieldsOf(source, name)]));

  it(`has the fields of ${Object.keys(interfaces).join(", ")}, in their order`, () => {
    expect(fields.size).toBeGreaterThan(0);
    expect([...table.keys()]).toEqual([...fields.keys()]);
  });

  it("has their defaults", () => {
    const literal = (text: string): string | undefined =>
      /^`?(true|false|null|\d[\d_]*|"[^"]*")(?=`|$|[ .])/.exec(text.trim())?.[1];
    const [documented, declared] = [table, fields].map((each) =>
      [...each].flatMap(([field, text]) => (literal(text) === undefined ? [] : [[field, literal(text)]])),
    );
    expect(documented).toEqual(declared);
  });
});
