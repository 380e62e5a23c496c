/** Where what was installed for tests stays between runs. */
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** `$XDG_CACHE_HOME/mcp-task-store`, else `~/.cache/mcp-task-store`; made when it is not there. */
export function cacheDirectory(): string {
  const given = process.env["XDG_CACHE_HOME"];
  // The XDG specification has relative paths ignored.
  const base = given !== undefined && isAbsolute(given) ? given : join(homedir(), ".cache");
  const path = join(base, "mcp-task-store");
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
