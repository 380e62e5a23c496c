/** Where the program of a Redis or Valkey server is on this machine. */
import { existsSync } from "node:fs";
import { aptInstall, aptWorks } from "./apt-package.ts";
import { programOnPath } from "./program-on-path.ts";

export interface RedisInstallation {
  readonly command: string;
  /** What the program is told it is called; one file is several programs. */
  readonly argv0: string;
  /** For people: where it comes from. */
  readonly description: string;
}

/**
 * In Debian's and Ubuntu's package redis-tools: the server's own program under another name, of which the package
 * redis-server makes a service besides. So nothing is started on the machine's port 6379, and no account is made.
 */
const TOOLS_PACKAGE = "redis-tools";
const TOOLS_PROGRAM = "/usr/bin/redis-check-rdb";

export function installedRedis(): RedisInstallation | undefined {
  const command = programOnPath("redis-server", "valkey-server");
  return command === undefined ? undefined : { command, argv0: command, description: command };
}

let installing: Promise<void> | undefined;

/** Installs it at the first time. Undefined: not on this system, or not by this account. */
export async function redisFromApt(log: (line: string) => void): Promise<RedisInstallation | undefined> {
  if (!existsSync(TOOLS_PROGRAM)) {
    if (!aptWorks()) return undefined;
    // A run starts several servers at once.
    installing ??= installTools(log);
    await installing;
  }
  return { command: TOOLS_PROGRAM, argv0: "redis-server", description: `package ${TOOLS_PACKAGE}` };
}

async function installTools(log: (line: string) => void): Promise<void> {
  log(`redis: installing the package ${TOOLS_PACKAGE} (once)`);
  await aptInstall(TOOLS_PACKAGE);
}
