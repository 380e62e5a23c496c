import type { JsonText } from "./json.ts";
import type { TerminalStatus } from "./task.ts";

/**
 * On whose authority a report, finish or ask is made: the holder of a lease (its token), trusted code that overrides a
 * live lease ("force"), or anybody while no live lease exists ("unleased").
 */
export type Fence = { readonly token: number } | "force" | "unleased";

/** An outcome made ready for storing. */
export interface EncodedOutcome {
  readonly status: TerminalStatus;
  /** `{"result":…}`, `{"error":…}`, or null for cancelled. */
  readonly text: JsonText | null;
  /** The payload is a result with `isError: true`. */
  readonly isError: boolean;
  /** "result" also on failed: then only generation 2025-11-25 may store it so. */
  readonly kind: "result" | "error" | "none";
  /** The error's own text: the status message of a task that fails without another one (S-65, X-55). */
  readonly message?: string;
}

/** What a report may change; absent leaves a field alone, null clears it. */
export interface ReportChange {
  readonly statusMessage?: string | null;
  readonly metadata?: JsonText | null;
  readonly pollIntervalMs?: number;
  readonly ttlMs?: number | null;
}

/** What can be asked of a task, as data. Durations in ms. */
export type Command =
  | { readonly type: "report"; readonly fence: Fence; readonly change: ReportChange }
  | {
      readonly type: "finish";
      readonly fence: Fence;
      readonly outcome: EncodedOutcome;
      readonly statusMessage?: string | null;
    }
  | { readonly type: "cancel"; readonly statusMessage?: string | null }
  | { readonly type: "request-cancel" }
  /** Keys → JSON text of the input request. */
  | { readonly type: "ask"; readonly fence: Fence; readonly inputs: ReadonlyMap<string, JsonText> }
  /** Keys → JSON text of the response. */
  | { readonly type: "answer"; readonly answers: ReadonlyMap<string, JsonText>; readonly claimWithinMs: number }
  | {
      readonly type: "acquire";
      readonly holder: string;
      readonly leaseMs: number;
      readonly graceMs: number;
      readonly maxRunMs: number | null;
      readonly maxAttempts: number;
    }
  | { readonly type: "renew"; readonly token: number; readonly leaseMs: number; readonly graceMs: number }
  | { readonly type: "release"; readonly token: number; readonly claimWithinMs: number }
  | {
      /** Maintenance found the row due: its lease, its claim or its run is over. */
      readonly type: "recover";
      readonly orphanPolicy: "fail" | "release";
      readonly maxAttempts: number;
      readonly claimWithinMs: number;
    }
  /** A hand-over failed: the task is announced again after this long, not after a whole claim period. */
  | { readonly type: "reannounce"; readonly claimWithinMs: number };

/** Why a command was not carried out. */
export type Refusal =
  | "terminal"
  /** A live lease exists and the caller does not hold it, or the caller's lease is not the live one. */
  | "lease-lost"
  /** acquire: somebody holds a live lease. */
  | "held"
  /** acquire: no attempt is left. */
  | "attempts-exhausted"
  /** request-cancel: it was asked for before, and somebody is working. */
  | "cancel-requested"
  /** ask, answer: the inputs changed since they were read. Read again and decide again. */
  | "inputs-changed"
  /** ask: the key was used for another request before. */
  | "input-key-reused"
  /** finish: a failed outcome with a result needs generation 2025-11-25. */
  | "failed-with-result"
  /** recover: nothing is due any more. */
  | "not-due";
