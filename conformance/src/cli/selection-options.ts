import type { Generation } from "@mcp-task-store/core";
import { type Command, InvalidArgumentError, Option } from "commander";

/** Which rules are meant. */
export interface SelectionOptions {
  readonly rule?: readonly string[];
  readonly generation?: Generation;
}

const GENERATIONS: readonly Generation[] = ["2025-11-25", "2026-07-28"];

/** Adds what `run` and `list` have in common. */
export function withSelection(command: Command): Command {
  return command
    .option("--rule <id>", "only this rule or theme, such as cancel/signal or cancel; may be repeated", collected)
    .addOption(
      new Option("--generation <generation>", "only rules that concern this generation of the protocol").choices(
        GENERATIONS,
      ),
    );
}

function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** For options that take a count. @param least the smallest that makes sense */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Give an integer of ${least} or more, at most ${Number.MAX_SAFE_INTEGER}.`);
  };
}
