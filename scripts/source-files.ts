/** The sources of packages as text, for checks that no compiler and no linter makes. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rootDirectory } from "./workspace.ts";

export interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The text without comments and without what strings say. */
  readonly code: string;
}

/** @param patterns globs, from the root */
export function sourceFiles(...patterns: readonly string[]): readonly SourceFile[] {
  return globSync(patterns, { cwd: rootDirectory })
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(rootDirectory, path), "utf8");
      return { path: path.replaceAll("\\", "/"), text, code: withoutCommentsAndStrings(text) };
    });
}

const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[^])*`|\/\*[^]*?\*\/|\/\/[^\n]*/g;

/** Strings become empty ones, comments one space. A pattern literal with quotes in it may hide the rest of its line. */
export function withoutCommentsAndStrings(text: string): string {
  return text.replace(STRING_OR_COMMENT, (found) => (found.startsWith("/") ? " " : '""'));
}

/** Comments become nothing, and their empty lines go; strings stay. */
export function withoutComments(text: string): string {
  const bare = text.replace(STRING_OR_COMMENT, (found) => (found.startsWith("/") ? "" : found));
  return bare.replace(/[ \t]+$/gm, "").replace(/\n{2,}/g, "\n");
}

export interface Import {
  readonly from: string;
  /** Gone when the file runs. */
  readonly typeOnly: boolean;
}

/** What a file imports or re-exports, also by `import()`. */
export function importsOf({ text }: SourceFile): readonly Import[] {
  const bare = withoutComments(text);
  const declarations = bare.matchAll(/^\s*(?:import|export)(\s+type)?\s(?:[^;"]*?\sfrom\s+)?"([^"]+)"/gm);
  const calls = bare.matchAll(/\bimport\(\s*"([^"]+)"/g);
  return [
    ...[...declarations].map(([, type, from = ""]) => ({ from, typeOnly: type !== undefined })),
    ...[...calls].map(([, from = ""]) => ({ from, typeOnly: false })),
  ];
}
