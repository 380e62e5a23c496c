/** docs/from-python.md names a test for every row that says what we have. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sourceFiles } from "../source-files.ts";
import { rootDirectory } from "../workspace.ts";

const tests = sourceFiles("packages/{core,memory,sdk}/test/**/*.test.ts").map(({ path }) => path);
const text = readFileSync(join(rootDirectory, "docs/from-python.md"), "utf8");
const tables = text
  .split("\n## ")
  .filter((section) => /^(?:Helpers|Working on a task|The store|Messages to the client|Server side)\n/.test(section));
// What a subsection maps to the SDK's own names, it shows as a whole.
const rows = tables.flatMap((section) =>
  (section.split("\n### ")[0] ?? "").split("\n").filter((line) => /^\| (?!Python)/.test(line)),
);

describe("docs/from-python.md", () => {
  it("has the five tables of what there is", () => {
    expect(tables).toHaveLength(5);
    expect(rows.length).toBeGreaterThan(40);
  });

  it.each(rows.map((row) => [row.split("|").slice(1, 3).join("→").trim(), row] as const))("shows %s", (_, row) => {
    const named = [...(row.split("|").at(-2) ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    expect(named).not.toEqual([]);
    expect(named.filter((name) => !tests.some((path) => path.endsWith(`/test/${name}`)))).toEqual([]);
  });
});
