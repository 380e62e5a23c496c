import type { Caller } from "./calls.ts";
import type { Observation } from "./observed-driver.ts";
import type { Scope, TaskModel } from "./task-model.ts";

/** What the stores are set to: short, so that much runs out during a sequence. Durations in ms. */
export const SETTINGS: {
  readonly claimWithinMs: number;
  readonly graceMs: number;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  readonly defaultPollIntervalMs: number;
} = { claimWithinMs: 50, graceMs: 30, leaseMs: 60_000, maxAttempts: 2, defaultPollIntervalMs: 500 };

/** What is known at some point of a sequence. */
export interface ModelState {
  readonly model: TaskModel;
  /** Tasks handed to `onOrphan` and not yet accounted for. */
  readonly orphans: string[];
  /** Tasks made so far, gone ones included. */
  readonly ids: string[];
  /** Ids of earlier sequences whose expired rows may not be purged yet. */
  readonly leftovers: ReadonlySet<string>;
  /** Ids by principal and idempotency key. */
  readonly keys: Map<string, string>;
}

/** What came of a call, and what the driver was asked for it. */
export interface Happened {
  readonly result: PromiseSettledResult<unknown>;
  readonly observations: readonly Observation[];
  /** Clock readings before and after the call. */
  readonly earlierUs: number;
  readonly laterUs: number;
}

export function scopeOf(caller: Caller): Scope {
  if (caller === "root") return undefined;
  return caller === "nobody" ? null : caller;
}
