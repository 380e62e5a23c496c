/** docs/guarantees.md and the kit name the same rules: every promise the rules that check it, and no rule is left out. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rules } from "../../conformance/src/rules/catalogue.ts";
import { rootDirectory } from "../workspace.ts";

const SPECIFICATIONS = "## Rules of the specifications alone";
const text = readFileSync(join(rootDirectory, "docs/guarantees.md"), "utf8");
const ids: ReadonlySet<string> = new Set(rules.map(({ id }) => id));
const rows = [...text.matchAll(/^\| (\d+) ([^|]+) \|.*\| ([^|]*) \|$/gm)].map(([, number, title, cell = ""]) => ({
  promise: `P${number}`,
  title,
  named: namesIn(cell),
}));
const [, section = ""] = text.split(SPECIFICATIONS);
const [specifications = ""] = section.split("\n## ");

/** What looks like the id of a rule, or of several: `theme/*`. */
function namesIn(part: string): readonly string[] {
  return [...part.matchAll(/`([a-z0-9-]+\/(?:[a-z0-9-]+|\*))`/g)].map(([, name = ""]) => name);
}

describe("docs/guarantees.md", () => {
  it("has a row for each of the ten promises", () => {
    expect(rows.map(({ promise }) => promise)).toEqual(Array.from({ length: 10 }, (_, at) => `P${at + 1}`));
  });

  it.each(rows)("names at promise $promise, $title, exactly the rules that check it", ({ promise, named }) => {
    const checking = rules.filter(({ promises }) => promises.some((each) => each === promise));
    expect(named.toSorted()).toEqual(checking.map(({ id }) => id).toSorted());
  });

  it("names every other rule of the kit as one of the specifications alone", () => {
    const unpromised = rules.filter(({ promises }) => promises.length === 0).map(({ id }) => id);
    expect(namesIn(specifications).toSorted()).toEqual(unpromised.toSorted());
  });

  it("names no rule that the kit does not have, and leaves none out", () => {
    expect(new Set(namesIn(text))).toEqual(ids);
  });
});
