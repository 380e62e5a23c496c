export { attempt, type Attempt, CouldNotRun } from "./attempt.ts";
export { describeReport, describeRule } from "./report/pretty.ts";
export { EXIT_CODES, type Failure, type Outcome, type Report, type RuleReport, type Verdict } from "./report.ts";
export type { Expect, Level, Need, PromiseId, Rule, RuleData, Want, Witness } from "./rule.ts";
export { rules } from "./rules/catalogue.ts";
export { runConformance, type RunOptions, selectedRules } from "./run.ts";
export type { SettingName, StoreSettings, Target, TargetNamespace, TaskExecution } from "./target.ts";
export type { Timing } from "./timing.ts";
