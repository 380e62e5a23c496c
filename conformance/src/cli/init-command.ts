import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { OptionError } from "../option-error.ts";
import { TARGET, TARGET_FILE, workflow, WORKFLOW_FILE } from "./init-templates.ts";

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
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), text);
  }
  return [
    ...Object.keys(files).map((file) => `wrote ${join(directory, file)}`),
    "",
    "Next:",
    ...(isThere("node_modules/@mcp-task-store/conformance")
      ? []
      : ["  npm install --save-dev @mcp-task-store/conformance"]),
    `  npx mcp-task-store-conformance run ${TARGET_FILE}`,
    `Then let "open" in ${TARGET_FILE} open your store.`,
    "",
  ].join("\n");
}
