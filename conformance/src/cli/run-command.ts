import type { Command } from "commander";
import { judgeFile } from "../supervised/judge-file.ts";
import { judging, type JudgingOptions, withJudging } from "./judging-options.ts";

/** Adds `run`. @param ended is told the exit code */
export function addRunCommand(program: Command, ended: (code: number) => void): void {
  const command = program
    .command("run")
    .summary("judge the store that a target file opens")
    .description(
      "Judges the store that TARGET_FILE exports, as `target` or as its default, in a process of its own. JavaScript or TypeScript.",
    )
    .argument("<target-file>", "the module that exports the target");
  withJudging(command).action(async (file: string, options: JudgingOptions) => {
    ended(await judging(options, (call) => judgeFile(file, call)));
  });
}
