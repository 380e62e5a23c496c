import type { Command } from "commander";
import { OptionError } from "../option-error.ts";
import { authorityOf } from "../report/authority.ts";
import type { Rule } from "../rule.ts";
import { rules } from "../rules/catalogue.ts";
import { alikeTo } from "../select-rules.ts";
import { countsFrom } from "../ruleset.ts";
import { serverMutants } from "../server/mutants/catalogue.ts";
import { serverRules } from "../server/rules/catalogue.ts";
import type { ServerRule } from "../server/server-rule.ts";

const LEVELS: Readonly<Record<Rule["level"], string>> = {
  must: "must: a specification demands it, or no verdict can do without it",
  should: "should: a specification advises it; a failure warns, and with --strict it counts",
  promise: "promise: judged in stores, and counted where the target claims the promise",
};

/** Adds `explain`. */
export function addExplainCommand(program: Command): void {
  program
    .command("explain")
    .summary("say what a rule protects, and what it finds")
    .description("Says what a rule protects, on whose authority, what it needs, and which faults it is known to find.")
    .argument("<rule>", "its id, such as cancel/signal")
    .action(async (id: string) => {
      process.stdout.write(await explained(ruleCalled(id)));
    });
}

type AnyRule = Rule | ServerRule;

function ruleCalled(id: string): AnyRule {
  const all: readonly AnyRule[] = [...rules, ...serverRules];
  const found = all.find((rule) => rule.id === id);
  if (found !== undefined) return found;
  throw new OptionError(`no rule is called ${id}; ${alikeTo(id, all)}`);
}

async function explained(rule: AnyRule): Promise<string> {
  // Only here: all of them together are most of the kit.
  const { mutants } = await import("../mutants.ts");
  const faults = [...mutants, ...serverMutants].filter((mutant) => rule.mutants.includes(mutant.name));
  const isAboutServers = serverRules.some((one) => one === rule);
  const { id, title, level, since, generation, source, needs, guards } = rule;
  return [
    `${id}: ${title}`,
    "",
    `level       ${LEVELS[level]}`,
    `since       ${since}; counts from ruleset ${countsFrom(since)}`,
    `generation  ${generation}`,
    ...source.map((one, index) => `${index === 0 ? "source" : "      "}      ${authorityOf(one)}`),
    ...(needs.length === 0 ? [] : [`needs       ${needs.join(", ")}: not applicable without`]),
    ...guards.map((guard) => `guards      ${guard}`),
    "",
    `finds       ${isAboutServers ? "servers" : "stores"} that are wrong like this:`,
    ...faults.map((mutant) => `  ${mutant.name}: ${mutant.fault}`),
    "",
    `run it      npx mcp-task-store-conformance ${isAboutServers ? "server --url URL" : "run TARGET_FILE"} --rule ${id}`,
    "",
  ].join("\n");
}
