/** Rules of the architecture that no compiler and no linter checks. */
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, sourceFiles, withoutComments, withoutCommentsAndStrings } from "../source-files.ts";
import { rootDirectory, workspacePackages } from "../workspace.ts";

const sources = sourceFiles("packages/*/src/**/*.ts", "conformance/src/**/*.ts");
const everything = sourceFiles(
  "{packages,examples}/*/{src,test}/**/*.ts",
  "conformance/{src,test}/**/*.ts",
  "scripts/**/*.ts",
);
/** This file names what it forbids. */
const others = everything.filter(({ path }) => !path.endsWith("/source-rules.test.ts"));

const packages = workspacePackages()
  .filter(({ hasSources }) => hasSources)
  .map(({ name, directory }) => {
    const root = directory.slice(rootDirectory.length + 1).replaceAll("\\", "/");
    const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const namesIn = (key: string): readonly string[] => Object.keys(manifest[key] ?? {});
    return {
      name,
      root,
      files: sourceFiles(`${root}/src/**/*.ts`),
      declared: [...namesIn("dependencies"), ...namesIn("peerDependencies")],
    };
  });

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

describe("imports", () => {
  it("are found in every form", () => {
    const text = `
      import { a } from "one"; // import "no";
      import type { b } from "two";
      export * from "three";
      import {
        c,
        d,
      } from "four";
      import "five";
      const e = await import("six");`;
    expect(importsOf({ path: "", text, code: text })).toEqual([
      { from: "one", typeOnly: false },
      { from: "two", typeOnly: true },
      { from: "three", typeOnly: false },
      { from: "four", typeOnly: false },
      { from: "five", typeOnly: false },
      { from: "six", typeOnly: false },
    ]);
  });

  it("of transitions.ts are types only: the rules depend on nothing", () => {
    const transitions = sources.filter(({ path }) => path === "packages/core/src/transitions.ts");
    const imports = transitions.flatMap(importsOf);
    expect(imports).not.toEqual([]);
    expect(imports.filter(({ typeOnly }) => !typeOnly)).toEqual([]);
  });

  describe.each(packages)("of $name", ({ root, files, declared }) => {
    const imports = files.flatMap((file) => importsOf(file).map(({ from }) => ({ path: file.path, from })));

    it("are its declared dependencies", () => {
      const undeclared = imports.filter(
        ({ from }) => !from.startsWith(".") && !isBuiltin(from) && !declared.includes(packageOf(from)),
      );
      expect(undeclared).toEqual([]);
    });

    it("never reach into another package's files", () => {
      const outside = imports.filter(
        ({ path, from }) => from.startsWith(".") && !posix.join(dirname(path), from).startsWith(`${root}/src/`),
      );
      expect(outside).toEqual([]);
    });

    it("say node: where they mean Node", () => {
      expect(imports.filter(({ from }) => isBuiltin(from) && !from.startsWith("node:"))).toEqual([]);
    });
  });

  it.each(["core", "sdk"])("of %s need no Node: it runs on Bun, Deno and Workers as well", (name) => {
    const files = sourceFiles(`packages/${name}/src/**/*.ts`);
    expect(files.flatMap(importsOf).filter(({ from }) => isBuiltin(from))).toEqual([]);
  });

  it("of an adapter are core, never another adapter nor the kit", () => {
    const adapters = packages.filter(({ name }) => /\/(?:memory|postgres|redis|mongodb)$/.test(name));
    const ours = adapters.map(({ name, files, declared }) => {
      const imported = files.flatMap((file) => importsOf(file).map(({ from }) => packageOf(from)));
      return {
        name,
        ours: [...new Set([...declared, ...imported])].filter((each) => each.startsWith("@mcp-task-store/")),
      };
    });
    expect(ours.length).toBeGreaterThanOrEqual(2);
    for (const adapter of ours) expect(adapter.ours, adapter.name).toEqual(["@mcp-task-store/core"]);
  });
});

describe("the store written by hand", () => {
  const files = sourceFiles("examples/independent-store/src/**/*.ts");
  const store = files.filter(({ path }) => !path.endsWith("/conformance.target.ts"));

  it("takes of ours the types of core and its errors, nothing else", () => {
    const ours = store.flatMap(importsOf).filter(({ from }) => from.startsWith("@mcp-task-store/"));
    expect(ours.length).toBeGreaterThan(10);
    expect(ours.filter(({ from }) => from !== "@mcp-task-store/core")).toEqual([]);
    const values = store.flatMap(({ text }) => text.match(/^import (?!type\b)[^;]*"@mcp-task-store\/core";$/gm) ?? []);
    expect(new Set(values)).toEqual(new Set(['import { TaskStoreError } from "@mcp-task-store/core";']));
  });
});

describe("sources", () => {
  it("are found", () => {
    expect(sources.length).toBeGreaterThan(60);
  });

  it("have at most 350 lines; transitions.ts is a table", () => {
    const long = sources.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
    const tooLong = long.filter(({ path, lines }) => lines > 350 && path !== "packages/core/src/transitions.ts");
    expect(tooLong).toEqual([]);
  });

  it("have no name that says nothing", () => {
    expect(
      others.filter(({ path }) => /\/(?:utils?|helpers?|common|misc)\b[^/]*$/.test(path)).map(({ path }) => path),
    ).toEqual([]);
  });

  it.each([
    ["a type that switches the compiler off", /(?::|\bas|<|\|)\s*any\b(?!\s*\()/],
    ["an assertion that something is there", /[\w)\]]!(?:\.|\[|;|,|\))/],
  ])("have not %s", (_, pattern) => {
    expect(others.filter(({ code }) => pattern.test(code)).map(({ path }) => path)).toEqual([]);
  });

  it.each([
    // A test may show what plain JavaScript can do, and say so.
    ["silence the compiler", /@ts-(?:ignore|nocheck|expect-error(?! -- \w))/],
    ["silence the linter without a reason", /lint-disable(?![^\n]* -- \w)/],
    ["leave work for later", /\b(?:TODO|FIXME|XXX|HACK)\b/],
  ])("do not %s", (_, pattern) => {
    expect(others.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it("export by name", () => {
    expect(sources.filter(({ code }) => /^export default\b/m.test(code)).map(({ path }) => path)).toEqual([]);
  });
});

describe("the view of code without its texts", () => {
  const text = `const a = "x // y"; // any\n/* any\n */const b = \`/* \${c} */\`;`;

  it("drops comments and empties strings", () => {
    expect(withoutCommentsAndStrings(text)).toBe('const a = "";  \n const b = "";');
  });

  it("or drops comments only", () => {
    expect(withoutComments(text)).toBe('const a = "x // y";\nconst b = `/* ${c} */`;');
  });
});

describe("docs/errors.md", () => {
  it("lists exactly the codes of core, each once", () => {
    const [, union = ""] =
      /type TaskStoreErrorCode =([^;]*);/.exec(
        withoutComments(readFileSync(join(rootDirectory, "packages/core/src/errors.ts"), "utf8")),
      ) ?? [];
    const codes = [...union.matchAll(/"([A-Z_]+)"/g)].map(([, code = ""]) => code);
    const rows = readFileSync(join(rootDirectory, "docs/errors.md"), "utf8").matchAll(/^\| (`[A-Z_`, ]+`) \|/gm);
    const documented = [...rows].flatMap(([, cell = ""]) => cell.replaceAll("`", "").split(", "));
    expect(codes.length).toBeGreaterThan(10);
    expect(documented.toSorted()).toEqual(codes.toSorted());
  });
});
