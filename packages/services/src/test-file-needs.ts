/** Which servers a run needs: a unit test's run starts none. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const RELATIVE_IMPORT = /\b(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

/** Where the helpers themselves stand, and are named without being called. */
const HERE = dirname(fileURLToPath(import.meta.url));

/** @returns those words that stand in one of these files, or in what they import by relative paths */
export function wordsUsedBy(files: readonly string[], words: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const pending = [...files];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (seen.has(file) || dirname(file) === HERE || !existsSync(file)) continue;
    seen.add(file);
    const text = readFileSync(file, "utf8");
    for (const word of words) if (new RegExp(`\\b${word}\\b`).test(text)) found.add(word);
    for (const [, path = ""] of text.matchAll(RELATIVE_IMPORT)) pending.push(resolve(dirname(file), path));
  }
  return found;
}
