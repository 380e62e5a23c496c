import type { RuleReport, Tally } from "../report.ts";
import type { PlayOrder } from "../run.ts";
import type { Target } from "../target.ts";
import type { Timing } from "../timing.ts";

/** What a report says of a target, apart from what rules find. */
export type TargetFacts = Pick<Target, "name" | "version" | "claims" | "ruleset">;

/** To the process of a target: first the file, then, once it is loaded, what to play. */
export type ToTarget =
  | { readonly type: "load"; readonly file: string }
  | { readonly type: "play"; readonly rules: readonly string[]; readonly order: PlayOrder };

/** From the process of a target, as it happens: the process may not live to say more. */
export type FromTarget =
  | { readonly type: "alive" }
  | { readonly type: "loaded"; readonly facts: TargetFacts }
  /** The file is at fault, not the store. */
  | { readonly type: "no-target"; readonly problem: string }
  | { readonly type: "not-loaded"; readonly reason: string }
  | { readonly type: "calibrated"; readonly timing: Timing }
  | { readonly type: "started"; readonly id: string }
  | { readonly type: "ended"; readonly report: RuleReport }
  | { readonly type: "replayed"; readonly id: string; readonly replays: Tally }
  | { readonly type: "noted"; readonly note: string }
  /** All rules of the order are played; only closing is left. */
  | { readonly type: "done" }
  | { readonly type: "dying"; readonly reason: string };
