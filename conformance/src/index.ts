export { type Baseline, parseBaseline } from "./baseline.ts";
export { OptionError } from "./option-error.ts";
export type { JudgeOptions } from "./plan.ts";
export { rules, selectedRules } from "./public-rules.ts";
export type { Strength } from "./races/strength.ts";
export { describeRule } from "./report/describe-rule.ts";
export { describeReport } from "./report/pretty.ts";
export { REPORT_SCHEMA } from "./report/report-schema.ts";
export { jsonReport } from "./report/json.ts";
export { junitReport } from "./report/junit.ts";
export { markdownReport } from "./report/markdown.ts";
export {
  EXIT_CODES,
  exitCodeOf,
  type Failure,
  type Judged,
  type Outcome,
  type Report,
  type RuleReport,
  type RunFacts,
  type Standing,
  standingOf,
  type Tally,
  type Verdict,
} from "./report.ts";
export type { Requirement } from "./requirements/requirement.ts";
export { requirementOf, requirements } from "./requirements/requirements.ts";
export type { Level, Need, PromiseId, RuleData } from "./rule.ts";
export { KIT_VERSION, NEWEST_RULESET, type Ruleset } from "./ruleset.ts";
export { runConformance, type RunOptions } from "./run-conformance.ts";
export type { OpenOptions, SettingName, StoreSettings, Target, TargetNamespace, TaskExecution } from "./target.ts";
export type { Timing, TimingLimits } from "./timing.ts";
