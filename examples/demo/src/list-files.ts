import { readdirSync } from "node:fs";
import { join } from "node:path";

const LEFT_OUT: ReadonlySet<string> = new Set([".git", "node_modules", "dist", "coverage"]);

/** Every Markdown and TypeScript file of a directory, as relative paths with `/`, sorted. Links are not followed. */
export function listFiles(root: string): readonly string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) walk(path);
      if (entry.isFile() && /\.(?:md|ts)$/.test(entry.name)) found.push(path);
    }
  };
  walk("");
  return found.sort();
}
