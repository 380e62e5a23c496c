import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/** Step by step: where a directory refuses to have any in it, Node's own `recursive` tries for ever. */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}
