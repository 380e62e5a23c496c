/** Packages of Debian and Ubuntu, where this process may install them. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { programOnPath } from "./program-on-path.ts";

const run = promisify(execFile);

/** Another installation may be under way; wait for it. */
const LOCK = ["-o", "DPkg::Lock::Timeout=300"];

export function aptWorks(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0 && programOnPath("apt-get") !== undefined;
}

/** @throws Error with the end of what apt-get said */
export async function aptInstall(name: string): Promise<void> {
  const install = (): Promise<void> => aptGet(["install", "--yes", "--no-install-recommends", name]);
  try {
    await install();
  } catch {
    // Images come without lists of packages, and old lists name packages that are gone.
    await aptGet(["update"]);
    await install();
  }
}

async function aptGet(args: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  try {
    await run("apt-get", [...LOCK, "--quiet", ...args], { env, maxBuffer: 64 * 1024 * 1024 });
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
    throw new Error(`apt-get ${args.join(" ")} failed\n${said.split("\n").slice(-6).join("\n")}`, { cause });
  }
}
