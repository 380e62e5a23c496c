import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { OptionError } from "../option-error.ts";
import { inShell } from "../report/in-shell.ts";
import { TARGET, TARGET_FILE, workflow, WORKFLOW_FILE } from "./init-templates.ts";
import { makeDirectory } from "./make-directory.ts";

/** Adds `init`. */
export function addInitCommand(program: Command): void {
  program
    .command("init")
    .summary("write a target file and a CI job to start from")
    .description(
      `Writes ${TARGET_FILE} and ${WORKFLOW_FILE}. Both work as they are, on a store of the kit's own, until you put yours in.`,
    )
    .argument("[directory]", "where to", ".")
    .option("--force", "overwrite what is there")
    .action((directory: string, { force = false }: { readonly force?: boolean }) => {
      process.stdout.write(init(directory, force));
    });
}

/** @returns what to do next */
function init(directory: string, force: boolean): string {
  const isThere = (file: string): boolean => existsSync(join(directory, file));
  const files = { [TARGET_FILE]: TARGET, [WORKFLOW_FILE]: workflow(isThere) };
  const taken = Object.keys(files).filter(isThere);
  if (taken.length > 0 && !force) throw new OptionError(`${taken.join(" and ")}: there already; --force overwrites`);
  write(directory, files);
  return [
    ...Object.keys(files).map((file) => `wrote ${join(directory, file)}`),
    "",
    "Next:",
    ...(resolve(directory) === process.cwd() ? [] : [`  cd ${inShell(directory)}`]),
    ...(isThere("node_modules/@mcp-task-store/conformance")
      ? []
      : ["  npm install --save-dev @mcp-task-store/conformance"]),
    `  npx mcp-task-store-conformance run ${TARGET_FILE}`,
    `Then let "open" in ${TARGET_FILE} open your store.`,
    "",
  ].join("\n");
}

/** All of these files, or none. @throws OptionError that says why not */
function write(directory: string, files: Readonly<Record<string, string>>): void {
  const fresh: string[] = [];
  try {
    for (const file of Object.keys(files)) makeDirectory(dirname(join(directory, file)));
    for (const [file, text] of Object.entries(files)) {
      const path = join(directory, file);
      if (!existsSync(path)) fresh.push(path);
      writeFileSync(path, text);
    }
  } catch (error) {
    for (const path of fresh) rmSync(path, { force: true });
    throw new OptionError(`init ${directory}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
