import { describe, expect, it } from "vitest";
import { rules } from "../src/index.ts";
import { sectionOf } from "../src/requirement-sections.ts";

describe("a requirement", () => {
  it("of every rule stands in a section that is known", () => {
    const unknown = rules.flatMap((rule) => rule.source.filter((id) => sectionOf(id) === undefined));
    expect(unknown).toEqual([]);
  });

  it.each([
    ["S-55", "S-55: 2025-11-25 basic/utilities/tasks, Task Cancellation"],
    ["X-19", "X-19: 2026-07-28 io.modelcontextprotocol/tasks, Task Polling"],
    ["P3", "P3: promises, Acknowledged is stored, unknown is called unknown"],
    ["S-99", undefined],
    ["Q-1", undefined],
  ])("%s is %s", (id, section) => {
    expect(sectionOf(id)).toBe(section);
  });
});
