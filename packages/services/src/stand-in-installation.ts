/** SecantusDB, the stand-in for a MongoDB server: found, or installed from PyPI into a cache directory. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "./cache-directory.ts";
import { givenBy } from "./server-origins.ts";

const run = promisify(execFile);

/** The version whose abilities were measured. */
const VERSION = "0.7.0b3";
const INSTALL_MS = 600_000;
/** Names the program of the faster build. */
const RUST_VARIABLE = "MCP_TASK_STORE_SECANTUSD";
const RUST_PROGRAM = "secantusd-rs";

export interface StandInInstallation {
  readonly command: string;
  /** Before the server's own. */
  readonly args: readonly string[];
  /** For people. */
  readonly description: string;
}

/** The Rust build where there is one, else the Python build, which is installed at the first time. */
export async function standInInstallation(log: (line: string) => void): Promise<StandInInstallation> {
  return rustBuild() ?? (await pythonBuild(log));
}

function rustBuild(): StandInInstallation | undefined {
  const given = givenBy(RUST_VARIABLE);
  if (given !== undefined) {
    if (!existsSync(given)) throw new Error(`${RUST_VARIABLE} names no file: ${given}`);
    return { command: given, args: [], description: `SecantusDB, Rust build, ${given}` };
  }
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    const command = join(directory, RUST_PROGRAM);
    if (directory !== "" && existsSync(command)) {
      return { command, args: [], description: `SecantusDB, Rust build, ${command}` };
    }
  }
  return undefined;
}

async function pythonBuild(log: (line: string) => void): Promise<StandInInstallation> {
  const home = join(cacheDirectory(), `secantusdb-${VERSION}`);
  const python = join(home, "bin", "python");
  if (!existsSync(python)) await install(home, log);
  return {
    command: python,
    args: ["-c", "import sys; from secantus.cli import main; sys.exit(main())"],
    description: `SecantusDB ${VERSION}, Python build`,
  };
}

/** Beside its place and then moved there in one step, so that two processes may install at once. */
async function install(home: string, log: (line: string) => void): Promise<void> {
  const draft = `${home}.${randomBytes(6).toString("hex")}`;
  log(`mongodb: installing SecantusDB ${VERSION} from PyPI into ${home} (about a minute, once)`);
  try {
    await run("python3", ["-m", "venv", draft]);
    const pip = ["-m", "pip", "install", "--quiet", "--no-input", `secantusdb==${VERSION}`];
    await run(join(draft, "bin", "python"), pip, { timeout: INSTALL_MS });
    try {
      renameSync(draft, home);
    } catch (error) {
      if (!existsSync(join(home, "bin", "python"))) throw error;
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
