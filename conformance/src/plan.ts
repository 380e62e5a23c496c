import type { Generation } from "@mcp-task-store/core";
import { type Baseline, checkBaseline } from "./baseline.ts";
import { OptionError } from "./option-error.ts";
import { randomSeed } from "./random.ts";
import type { RunFacts } from "./report.ts";
import type { Rule, RuleData } from "./rule.ts";
import { checkedRuleset, NEWEST_RULESET } from "./ruleset.ts";
import type { PlayOrder } from "./run.ts";
import { selectedFrom } from "./select-rules.ts";
import type { Target } from "./target.ts";
import type { TimingLimits } from "./timing.ts";

/** What a run is to judge, and how. */
export interface JudgeOptions {
  /** An integer of 0 or more. @default random; the report names it */
  readonly seed?: number | undefined;
  /** Ids or themes ("cancel") of the rules to run. @default all */
  readonly rules?: readonly string[] | undefined;
  /** Only the rules that concern this generation of the protocol. @default both */
  readonly generation?: Generation | undefined;
  /** Which rules have a say, such as "0.1". @default the target's own pin, else the newest that the kit knows */
  readonly ruleset?: string | undefined;
  /** Failures of SHOULD rules count too. @default false */
  readonly strict?: boolean | undefined;
  /** Known failures, by rule. They do not fail the run; one that passes does. */
  readonly baseline?: Baseline | undefined;
  /** Plays each rule so many times, each time with other choices; all have to pass. @default 1 */
  readonly repeat?: number | undefined;
  /** The round to start with: repeats what a later round of a repeated run found. @default 0 */
  readonly round?: number | undefined;
  /** How often a failed rule is played again, to tell how often it fails. It stays failed. @default 10 */
  readonly replays?: number | undefined;
  /** How many rules may run at a time. @default the target's own number */
  readonly concurrency?: number | undefined;
  /** For tests of the kit itself: shorter deadlines than a slow machine needs. */
  readonly timing?: TimingLimits | undefined;
}

/** What options choose rules by. */
type Chosen = Pick<RuleData, "id" | "generation">;

/** Options that were looked at, with their defaults. */
export interface Plan<R extends Chosen = Rule> {
  readonly rules: readonly R[];
  /** Numbers of the rounds to play. */
  readonly rounds: readonly number[];
  readonly seed: number;
  readonly replays: number;
  readonly strict: boolean;
  readonly generation: Generation | undefined;
  readonly ruleset: string | undefined;
  readonly baseline: Baseline | undefined;
  readonly concurrency: number | undefined;
  readonly timing: TimingLimits | undefined;
}

/** @throws OptionError that says which option is wrong and what it may be */
export function planOf<R extends Chosen>(options: JudgeOptions, catalogue: readonly R[]): Plan<R> {
  const { generation, ruleset, baseline, timing, strict = false } = options;
  const repeat = counted("repeat", options.repeat ?? 1, 1);
  const first = counted("round", options.round ?? 0, 0);
  const rules = selectedFrom(catalogue, options.rules, generation);
  if (rules.length === 0) throw new OptionError(`none of these rules concerns generation ${generation}`);
  if (ruleset !== undefined) checkedRuleset(ruleset);
  if (baseline !== undefined) checkBaseline(baseline, catalogue);
  return {
    rules,
    rounds: Array.from({ length: repeat }, (_, index) => first + index),
    seed: counted("seed", options.seed ?? randomSeed(), 0),
    replays: counted("replays", options.replays ?? 10, 0),
    concurrency: options.concurrency === undefined ? undefined : counted("concurrency", options.concurrency, 1),
    strict,
    generation,
    ruleset,
    baseline,
    timing,
  };
}

/** @throws OptionError for a target that pins a ruleset of another kit */
export function factsOf(
  plan: Plan<Chosen>,
  target: Pick<Target, "name" | "version" | "ruleset">,
  command?: string,
): RunFacts {
  const { seed, strict, generation } = plan;
  return {
    target: target.name,
    ...(target.version === undefined ? {} : { version: target.version }),
    ...(command === undefined ? {} : { command }),
    ruleset: checkedRuleset(plan.ruleset ?? target.ruleset ?? NEWEST_RULESET),
    ...(generation === undefined ? {} : { generation }),
    seed,
    strict,
    repeat: plan.rounds.length,
  };
}

export function orderOf(plan: Plan<Chosen>, facts: Pick<RunFacts, "ruleset">, round: number): PlayOrder {
  const { seed, replays, concurrency, timing } = plan;
  return { seed, round, replays, concurrency, timing, ruleset: facts.ruleset };
}

function counted(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  const range = `${least} or more, at most ${Number.MAX_SAFE_INTEGER}`;
  throw new OptionError(`${name} has to be an integer of ${range}; got ${value}`);
}
