import { statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { problemWithTarget } from "../checked-target.ts";
import { isError } from "../is-error.ts";
import { OptionError } from "../option-error.ts";
import type { Target } from "../target.ts";

/** The file that was named is none that a target can be had from: the caller's mistake, not the store's. */
export class TargetFileError extends OptionError {
  override readonly name: string = "TargetFileError";
}

const TYPESCRIPT: ReadonlySet<string> = new Set([".ts", ".mts", ".cts"]);

/**
 * Node took the file for TypeScript, and met a thing that is more than types, a specifier without its ending, or, in a
 * package of type "commonjs", an import.
 */
function isBeyondNode(error: unknown): boolean {
  if (error instanceof SyntaxError) return true;
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX" || code === "ERR_MODULE_NOT_FOUND";
}

/**
 * The target that a file, given by its path or URL, exports, as `target` or as its default.
 * @throws TargetFileError if there is no such file, or no target in it; whatever the file itself throws
 */
export async function loadTarget(file: string): Promise<Target> {
  const path = file.startsWith("file:") ? fileURLToPath(file) : resolve(file);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw new TargetFileError(`there is no file ${file === "" ? "without a name" : file}`);
  const target = targetIn(await imported(path).catch((error: unknown) => refused(file, error)));
  if (target === undefined) {
    throw new TargetFileError(`${file} exports no target; write: export const target = storeTarget({ … })`);
  }
  const problem = problemWithTarget(target);
  if (problem !== undefined) throw new TargetFileError(`the target of ${file} cannot be judged: ${problem}`);
  return target;
}

/** What the file throws. Its kit may be another copy of this one. @throws TargetFileError for an option that cannot be */
function refused(file: string, error: unknown): never {
  if (!isError(error) || error.name !== "OptionError") throw error;
  throw new TargetFileError(`the target of ${file} cannot be judged: ${error.message}`, { cause: error });
}

async function imported(path: string): Promise<unknown> {
  const url = pathToFileURL(path).href;
  if (!TYPESCRIPT.has(extname(path))) return import(url);
  if (process.features.typescript) {
    try {
      return await import(url);
    } catch (error) {
      // Found while linking: nothing of the file has run.
      if (!isBeyondNode(error)) throw error;
    }
  }
  const { createJiti } = await import("jiti");
  return createJiti(import.meta.url, { fsCache: false, interopDefault: false }).import(url);
}

function targetIn(exported: unknown): Target | undefined {
  if (typeof exported !== "object" || exported === null) return undefined;
  const candidates = ["target" in exported && exported.target, "default" in exported && exported.default];
  return candidates.find(isTarget);
}

function isTarget(value: unknown): value is Target {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "namespace" in value &&
    typeof value.namespace === "function"
  );
}
