/** SecantusDB, the stand-in for a MongoDB server: found, or installed from PyPI into the cache directory. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { aptInstall, aptWorks } from "./apt-package.ts";
import { cacheDirectory } from "./cache-directory.ts";
import { installDirectory } from "./install-directory.ts";
import { programOnPath } from "./program-on-path.ts";
import { givenBy } from "./server-origins.ts";

const run = promisify(execFile);

type Log = (line: string) => void;

/** The version whose abilities were measured. */
const VERSION = "0.7.0b3";
/** Names the program of the Rust build, which is faster. */
const RUST_VARIABLE = "MCP_TASK_STORE_SECANTUSD";
const RUST_PROGRAM = "secantusd-rs";
const PYTHONS = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];

export interface StandInInstallation {
  readonly command: string;
  /** Before the server's own. */
  readonly args: readonly string[];
  /** For people. */
  readonly description: string;
}

/**
 * The Rust build where there is one, else the Python build, installed at the first time.
 * Undefined: there is no Python 3.10 or later with venv.
 */
export async function standInInstallation(log: Log): Promise<StandInInstallation | undefined> {
  return rustBuild() ?? (await pythonBuild(log));
}

function rustBuild(): StandInInstallation | undefined {
  const given = givenBy(RUST_VARIABLE);
  if (given !== undefined && !existsSync(given)) throw new Error(`${RUST_VARIABLE} names no file: ${given}`);
  const command = given ?? programOnPath(RUST_PROGRAM);
  return command === undefined ? undefined : { command, args: [], description: `SecantusDB, Rust build, ${command}` };
}

async function pythonBuild(log: Log): Promise<StandInInstallation | undefined> {
  const home = join(cacheDirectory(), `secantusdb-${VERSION}`);
  if (!(await isUsable(home))) {
    const python = (await suitablePython()) ?? (await pythonFromApt(log));
    if (python === undefined) return undefined;
    log(`mongodb: installing the stand-in SecantusDB ${VERSION} from PyPI into ${home} (about a minute, once)`);
    await install(python, home);
  }
  return {
    command: pythonOf(home),
    // Not the installed script: that one names the directory in which it was installed.
    args: ["-I", "-c", "import sys; from secantus.cli import main; sys.exit(main())"],
    description: `SecantusDB ${VERSION}, Python build`,
  };
}

function pythonOf(home: string): string {
  return join(home, "bin", "python");
}

/** False as well when the Python that it was made with is gone. */
function isUsable(home: string): Promise<boolean> {
  return pythonSays(pythonOf(home), "import importlib.util as u, sys; sys.exit(u.find_spec('secantus') is None)");
}

async function suitablePython(): Promise<string | undefined> {
  for (const name of PYTHONS) {
    const check = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
    if (await pythonSays(name, check)) return name;
  }
  return undefined;
}

/** Debian has venv in a package of its own. */
async function pythonFromApt(log: Log): Promise<string | undefined> {
  if (!aptWorks()) return undefined;
  log("mongodb: installing the package python3-venv, for the stand-in (once)");
  await aptInstall("python3-venv");
  return suitablePython();
}

async function pythonSays(python: string, program: string): Promise<boolean> {
  try {
    await run(python, ["-I", "-c", program], { timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

async function install(python: string, home: string): Promise<void> {
  try {
    await installDirectory(home, {
      isUsable,
      fill: async (draft, step) => {
        await step(python, ["-m", "venv", draft]);
        await step(pythonOf(draft), ["-m", "pip", "install", "--quiet", "--no-input", `secantusdb==${VERSION}`]);
      },
    });
  } catch (cause) {
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
    const lines = said.split("\n").slice(-6).join("\n");
    throw new Error(`could not install the MongoDB stand-in SecantusDB ${VERSION} from PyPI\n${lines}`, { cause });
  }
}
