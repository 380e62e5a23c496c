import type { Command } from "commander";
import type { RuleData } from "../rule.ts";
import { countsFrom } from "../ruleset.ts";
import { selectedFrom, selectedRules } from "../select-rules.ts";
import { serverRules } from "../server/rules/catalogue.ts";
import { type SelectionOptions, withSelection } from "./selection-options.ts";

type AnyRule = Omit<RuleData, "needs"> & { readonly needs: readonly string[] };

/** Adds `list`. */
export function addListCommand(program: Command): void {
  const command = program
    .command("list")
    .summary("list the rules")
    .description("Lists the rules: id, level, ruleset that it counts from, title.");
  withSelection(command)
    .option("--server", "the rules about servers, not those about stores")
    .option("--json", "as JSON, with everything that a rule says about itself")
    .action(
      ({ rule, generation, json, server }: SelectionOptions & { readonly json?: true; readonly server?: true }) => {
        const rules: readonly AnyRule[] =
          server === true ? selectedFrom(serverRules, rule, generation) : selectedRules(rule, generation);
        process.stdout.write(json === true ? `${JSON.stringify(rules.map(dataOf), null, 2)}\n` : table(rules));
      },
    );
}

function dataOf(rule: AnyRule): object {
  const { id, title, since, level, generation, source, needs, guards, mutants } = rule;
  return { id, title, level, since, countsFrom: countsFrom(since), generation, source, needs, guards, mutants };
}

function table(rules: readonly AnyRule[]): string {
  const rows = rules.map(({ id, level, since, title }) => [id, level, countsFrom(since), title]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}\n`).join("");
}
