import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rules } from "../../conformance/src/index.ts";
import { allMutants as mutants } from "../../conformance/src/mutants/all-mutants.ts";
import { killMatrixPage, PAGE_PATH } from "../kill-matrix-page.ts";
import { rootDirectory } from "../workspace.ts";

// Whether it is true as well, kill-matrix.test.ts judges.
describe("docs/kill-matrix.md", () => {
  const page = readFileSync(join(rootDirectory, PAGE_PATH), "utf8");

  it("is current: pnpm kill-matrix writes it", () => {
    expect(page).toBe(killMatrixPage());
  });

  it("has a row for each mutant and each rule", () => {
    const rows = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
    expect(mutants.filter(({ name }) => !rows.includes(name))).toEqual([]);
    expect(rules.filter(({ id }) => !rows.includes(id))).toEqual([]);
  });
});
