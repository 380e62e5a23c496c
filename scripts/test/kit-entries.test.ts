/** What the entries of the kit bring along: its root has to work where no test runner is. */
import { dirname, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, type SourceFile, sourceFiles } from "../source-files.ts";

const files: ReadonlyMap<string, SourceFile> = new Map(
  sourceFiles("conformance/src/**/*.ts").map((file) => [file.path, file]),
);

/** Everything outside of the kit that a file needs when it runs, by way of the files that it imports. */
function needs(entry: string): ReadonlySet<string> {
  const outside = new Set<string>();
  const seen = new Set<string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = files.get(path);
    if (file === undefined) throw new Error(`${path} is not there`);
    seen.add(path);
    for (const { from, typeOnly } of importsOf(file)) {
      if (typeOnly) continue;
      if (!from.startsWith(".")) outside.add(from);
      else if (!seen.has(posix.join(dirname(path), from))) waiting.push(posix.join(dirname(path), from));
    }
  }
  return outside;
}

const RUNNERS = ["vitest", "node:test", "commander", "jiti"];

describe("the kit's entry", () => {
  it.each([
    ["index", []],
    ["targets", []],
    ["mutants", []],
    ["sdk-v1", []],
    ["vitest", ["vitest"]],
    ["node-test", ["node:test"]],
    ["bin", ["commander", "jiti"]],
  ])("%s brings of all runners: %j", (entry, runners) => {
    const needed = needs(`conformance/src/${entry}.ts`);
    expect(needed.size).toBeGreaterThan(1);
    expect(RUNNERS.filter((runner) => needed.has(runner))).toEqual(runners);
  });
});
