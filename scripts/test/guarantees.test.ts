/** docs/guarantees.md promises nothing that no rule checks. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rules } from "../../conformance/src/rules/catalogue.ts";
import { rootDirectory } from "../workspace.ts";

const ids = rules.map(({ id }) => id);
const named = [
  ...readFileSync(join(rootDirectory, "docs/guarantees.md"), "utf8").matchAll(/`([a-z-]+\/(?:[a-z0-9-]+|\*))`/g),
]
  .map(([, name = ""]) => name)
  .filter((name) => !name.startsWith("docs/"));

/** "lease/*" covers every rule of its theme. */
function covers(name: string, id: string): boolean {
  return name.endsWith("/*") ? id.startsWith(name.slice(0, -1)) : id === name;
}

describe("docs/guarantees.md", () => {
  it("names rules", () => {
    expect(new Set(named).size).toBeGreaterThan(15);
  });

  it.each([...new Set(named)])("names %s, which the kit has", (name) => {
    expect(ids.filter((id) => covers(name, id))).not.toEqual([]);
  });
});
