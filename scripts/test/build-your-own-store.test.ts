import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { guideFiles, guideSteps } from "../readme-snippets.ts";
import { rootDirectory } from "../workspace.ts";

const PATH = "docs/build-your-own-store.md";
const EXAMPLE = "examples/lmdb-store/src";

/** A part of a file may end between any two lines. */
function withoutEmptyLines(text: string): string {
  return text.replaceAll(/\n{2,}/g, "\n");
}

function linesOf(path: string): number {
  return readFileSync(join(rootDirectory, path), "utf8").split("\n").length - 1;
}

/** What packed-packages.test.ts does step by step; here only that the page and the example are one. */
describe("the guide", () => {
  const steps = guideSteps(readFileSync(join(rootDirectory, PATH), "utf8"), PATH);

  it.each([...guideFiles(steps)])("shows %s as it is in the example", (file, code) => {
    const example = readFileSync(join(rootDirectory, EXAMPLE, file), "utf8");
    expect(withoutEmptyLines(code)).toBe(withoutEmptyLines(example));
  });

  it("ends with the verdict", () => {
    expect(steps.at(-1)).toEqual({ command: "npx mcp-task-store-conformance run conformance.target.ts" });
  });

  it("needs a driver of less than 150 lines", () => {
    expect(linesOf(`${EXAMPLE}/lmdb-driver.ts`)).toBeLessThan(150);
  });
});

describe("guideSteps", () => {
  it("takes commands and parts of files in the order of the page", () => {
    const page =
      "```sh\nnpm init\nnpm test\n```\n<!-- file: a.ts -->\n```ts\n1;\n```\n<!-- file: a.ts -->\n```ts\n2;\n```\n";
    const steps = guideSteps(page, "X.md");
    expect(steps).toEqual([
      { command: "npm init" },
      { command: "npm test" },
      { file: "a.ts", code: "1;\n" },
      { file: "a.ts", code: "2;\n" },
    ]);
    expect([...guideFiles(steps)]).toEqual([["a.ts", "1;\n\n2;\n"]]);
  });

  it("refuses code of no file", () => {
    expect(() => guideSteps("```ts\n1;\n```\n", "X.md")).toThrow("X.md:1");
  });
});
