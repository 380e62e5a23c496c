/**
 * The code that a reader copies: each TypeScript block of a README or a guide, marked by a comment on the line above it,
 * `<!-- snippet: NAME -->`. All of them have to compile; what else they have to do, the tests know by their names.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { rootDirectory, workspacePackages } from "./workspace.ts";

export interface Snippet {
  /** Of the README, from the root. */
  readonly path: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** Unique in its README; undefined: the block is not marked. */
  readonly name: string | undefined;
  readonly code: string;
}

const FENCE = /^```(?:ts|typescript|js|javascript)$/;
const MARK = /^<!-- snippet: ([a-z0-9-]+) -->$/;

export function snippetsOf(markdown: string, path: string): readonly Snippet[] {
  const lines = markdown.split("\n");
  return lines.flatMap((text, index) => {
    if (!FENCE.test(text)) return [];
    const end = lines.indexOf("```", index + 1);
    if (end === -1) throw new Error(`${path}:${index + 1}: the block is never closed`);
    const name = MARK.exec(lines[index - 1] ?? "")?.[1];
    return [{ path, line: index + 1, name, code: `${lines.slice(index + 1, end).join("\n")}\n` }];
  });
}

/** What tells users how to do something, besides READMEs. */
export const GUIDES: readonly string[] = ["docs/from-in-memory.md"];

/** Those of the repository's README, of each published package's and of the guides, in this order. */
export function readmeSnippets(): readonly Snippet[] {
  const packages = workspacePackages().filter(({ published }) => published);
  const directories = [rootDirectory, ...packages.map(({ directory }) => directory)];
  const readmes = directories.map((directory) => join(directory, "README.md"));
  return [...readmes, ...GUIDES.map((path) => join(rootDirectory, path))]
    .filter((path) => existsSync(path))
    .flatMap((path) => snippetsOf(readFileSync(path, "utf8"), relative(rootDirectory, path)));
}

const FILE_MARK = /^<!-- file: ([\w.-]+) -->$/;

/** What a reader of a guide does, in the order of the page: writes a part of a file, or enters a command. */
export type GuideStep = { readonly file: string; readonly code: string } | { readonly command: string };

/** @throws Error for a block of TypeScript that says not of which file it is */
export function guideSteps(markdown: string, path: string): readonly GuideStep[] {
  const lines = markdown.split("\n");
  return lines.flatMap((text, index): readonly GuideStep[] => {
    const isCode = FENCE.test(text);
    if (!isCode && text !== "```sh") return [];
    const inside = lines.slice(index + 1, lines.indexOf("```", index + 1));
    if (!isCode) return inside.map((command) => ({ command }));
    const file = FILE_MARK.exec(lines[index - 1] ?? "")?.[1];
    if (file === undefined) throw new Error(`${path}:${index + 1}: the block is of no file`);
    return [{ file, code: `${inside.join("\n")}\n` }];
  });
}

/** The files that a guide builds, whole: the parts of each, an empty line apart. */
export function guideFiles(steps: readonly GuideStep[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const step of steps) {
    if ("command" in step) continue;
    const before = files.get(step.file);
    files.set(step.file, before === undefined ? step.code : `${before}\n${step.code}`);
  }
  return files;
}

/** The repository README's quick start: what the issue tracker, the registry and every newcomer runs first. */
export function quickStart(): Snippet {
  const found = readmeSnippets().find(({ path, name }) => path === "README.md" && name === "quick-start");
  if (found === undefined) throw new Error("README.md has no snippet named quick-start");
  return found;
}
