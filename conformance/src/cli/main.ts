import { Command } from "commander";
import { KIT_VERSION } from "../ruleset.ts";
import { addExplainCommand } from "./explain-command.ts";
import { fail } from "./fail.ts";
import { addInitCommand } from "./init-command.ts";
import { addListCommand } from "./list-command.ts";
import { addRunCommand } from "./run-command.ts";
import { addServerCommand } from "./server-command.ts";

/**
 * The command line of the kit.
 * @param args without the program's own name
 * @returns the exit code: 0 conformant, 1 nonconformant, 2 wrong usage, 3 incomplete
 */
export async function main(args: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command("mcp-task-store-conformance")
    .description("Judges task stores, and servers with tasks, of the Model Context Protocol.")
    .version(KIT_VERSION)
    .exitOverride()
    .showHelpAfterError("(--help shows what there is)");
  addInitCommand(program);
  const end = (ended: number): void => {
    code = ended;
  };
  addRunCommand(program, end);
  addServerCommand(program, end);
  addListCommand(program);
  addExplainCommand(program);
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    return fail(error);
  }
}
