import type { Command } from "commander";
import type { Rule } from "../rule.ts";
import { countsFrom } from "../ruleset.ts";
import { selectedRules } from "../select-rules.ts";
import { type SelectionOptions, withSelection } from "./selection-options.ts";

/** Adds `list`. */
export function addListCommand(program: Command): void {
  withSelection(program.command("list").description("Lists the rules: id, level, ruleset that it counts from, title."))
    .option("--json", "as JSON, with everything that a rule says about itself")
    .action(({ rule, generation, json }: SelectionOptions & { readonly json?: true }) => {
      const rules = selectedRules(rule, generation);
      process.stdout.write(json === true ? `${JSON.stringify(rules.map(dataOf), null, 2)}\n` : table(rules));
    });
}

function dataOf(rule: Rule): object {
  const { id, title, since, level, generation, source, needs, guards, mutants } = rule;
  return { id, title, level, since, countsFrom: countsFrom(since), generation, source, needs, guards, mutants };
}

function table(rules: readonly Rule[]): string {
  const rows = rules.map(({ id, level, since, title }) => [id, level, countsFrom(since), title]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}\n`).join("");
}
