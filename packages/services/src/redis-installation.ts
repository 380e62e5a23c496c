/** Where the program of a Redis or Valkey server is on this machine. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface RedisInstallation {
  readonly command: string;
  /** For people: where it comes from. */
  readonly description: string;
}

const PROGRAMS = ["redis-server", "valkey-server"] as const;

export function installedRedis(): RedisInstallation | undefined {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const program of PROGRAMS) {
      const command = join(directory, program);
      if (directory !== "" && existsSync(command)) return { command, description: command };
    }
  }
  return undefined;
}
