import type { TaskStoreErrorCode } from "@mcp-task-store/core";
import { canonicalJson } from "./canonical-json.ts";
import type { Expected, Possibility } from "./contract.ts";
import type { CallAnswer, HistoryCall } from "./history-data.ts";
import { afterSeeing, isObject, isOutcomeOf, type ShownTask, type Showing, shownTask } from "./shown-task.ts";
import { isHeld, PLAIN_PARTS, type PlainPart, stateWith, type TaskState } from "./task-state.ts";

/** What follows from an answer for the order of calls. */
export type Fate =
  /** The call took place between its start and its end, and answered so. */
  | { readonly kind: "told"; readonly answer: ToldAnswer }
  /** It may take place at any time after its start, or never; nobody was told. */
  | { readonly kind: "unknown" }
  /** It did nothing and shows nothing. */
  | { readonly kind: "void" };

/** An answer, read once. */
export type ToldAnswer =
  | { readonly kind: "returned"; readonly value: unknown; readonly task: ShownTask | undefined }
  | {
      readonly kind: "threw";
      readonly code: TaskStoreErrorCode;
      readonly task: ShownTask | undefined;
      /** The error carried no task, and the history leaves out what it likes. */
      readonly isTaskLeftOut: boolean;
    };

/** What the task has yet to be before a call's end: as its answer shows it, or without the lease that the call got. */
export type Owed = ShownTask | "lost-lease";

/** The state after a call whose answer fits. */
export interface Fit {
  readonly state: TaskState;
  readonly owed?: Owed;
}

/** These say what state the task was in. */
const TELLING: ReadonlySet<TaskStoreErrorCode> = new Set<TaskStoreErrorCode>([
  "TASK_NOT_FOUND",
  "TASK_TERMINAL",
  "ALREADY_EXISTS",
  "LEASE_LOST",
  "INPUT_KEY_REUSED",
]);

/** After these a write may have happened all the same. */
const AMBIGUOUS: ReadonlySet<TaskStoreErrorCode | null> = new Set<TaskStoreErrorCode | null>([
  "WRITE_OUTCOME_UNKNOWN",
  "CLOSED",
  null,
]);

const READS: ReadonlySet<HistoryCall["method"]> = new Set<HistoryCall["method"]>([
  "getTask",
  "getOutcome",
  "waitForUpdate",
  "waitForOutcome",
]);

export function fateOf({ method, answer }: HistoryCall, showing: Showing): Fate {
  if (answer?.kind === "returned") return { kind: "told", answer: returned(method, answer.value, showing) };
  const code = answer?.code ?? null;
  if (answer !== null && code !== null && TELLING.has(code)) {
    const task = shownTask(answer.task, showing);
    const isTaskLeftOut = answer.task === undefined && showing.parts !== undefined;
    return { kind: "told", answer: { kind: "threw", code, task, isTaskLeftOut } };
  }
  return AMBIGUOUS.has(code) && !READS.has(method) ? { kind: "unknown" } : { kind: "void" };
}

/** Whether nothing was written by a call, whatever it was to do. */
export function didNothing(answer: CallAnswer | null): boolean {
  return answer?.kind === "threw" && !AMBIGUOUS.has(answer.code);
}

function returned(method: HistoryCall["method"], value: unknown, showing: Showing): ToldAnswer {
  const isLease = method === "acquireLease" || method === "renewLease";
  const task = shownTask(isLease && isObject(value) ? value["task"] : value, showing);
  return { kind: "returned", value, task };
}

/** How an answer goes with what was expected in a state; empty: it does not. */
export function fits(expected: Expected, state: TaskState, answer: ToldAnswer): readonly Fit[] {
  if (expected.kind === "refusal") return refusalFits(expected.code, state, answer);
  if (answer.kind === "threw") return [];
  const { value, task } = answer;
  switch (expected.kind) {
    case "task":
      return taskFits(state, task, expected.wantsOutcome, expected.mayBeLater);
    case "lease":
      return leaseFits(state, value, task, expected.token);
    case "outcome": {
      const text = canonicalJson(value);
      return isObject(value) && isOutcomeOf(state, text) ? [{ state: stateWith(state, { outcome: text }) }] : [];
    }
    case "value":
      return value === expected.value ? [{ state }] : [];
    case "lost-lease":
      return value === undefined ? [{ state, owed: "lost-lease" }] : [];
  }
}

/** The state in which what was owed has come; undefined: it has not. */
export function afterOwed(state: TaskState, owed: Owed): TaskState | undefined {
  if (owed !== "lost-lease") return afterSeeing(state, owed, false);
  return isHeld(state) ? undefined : state;
}

function taskFits(
  state: TaskState,
  task: ShownTask | undefined,
  wantsOutcome: boolean,
  mayBeLater: boolean,
): readonly Fit[] {
  if (task === undefined) return [];
  const now = afterSeeing(state, task, wantsOutcome);
  return [...(now === undefined ? [] : [{ state: now }]), ...(mayBeLater ? [{ state, owed: task }] : [])];
}

/** A lease with the token that is expected, or a new one, higher than any before. */
function leaseFits(
  state: TaskState,
  value: unknown,
  task: ShownTask | undefined,
  expected: number | undefined,
): readonly Fit[] {
  const token = isObject(value) ? value["token"] : undefined;
  if (typeof token !== "number" || state.lease === null) return [];
  if (expected === undefined ? token <= state.lastToken : token !== expected) return [];
  const leased = stateWith(state, {
    lease: { ...state.lease, token },
    lastToken: Math.max(state.lastToken, token),
  });
  return taskFits(leased, task, false, true);
}

function refusalFits(code: TaskStoreErrorCode, state: TaskState, answer: ToldAnswer): readonly Fit[] {
  if (answer.kind !== "threw" || answer.code !== code) return [];
  if (code !== "TASK_TERMINAL" || answer.isTaskLeftOut) return [{ state }];
  return taskFits(state, answer.task, false, false);
}

/** What would have been a right answer, in words. @param describe how the task is shown */
export function describeExpected(expected: Expected, next: TaskState, describe: (state: TaskState) => string): string {
  switch (expected.kind) {
    case "task":
      return `the task ${describe(next)}`;
    case "lease":
      return expected.token === undefined ? "a lease with a new token" : `the lease with token ${expected.token}`;
    case "outcome":
      return typeof next.outcome === "string" ? `the outcome ${next.outcome}` : `an outcome of a ${next.status} task`;
    case "value":
      return `${expected.value}`;
    case "lost-lease":
      return "undefined, had it lost the lease again";
    case "refusal":
      return expected.code === "TASK_TERMINAL" ? `TASK_TERMINAL with ${describe(next)}` : expected.code;
  }
}

/** Parts of a task that an answer shows otherwise than it might have done. */
export function partsThatDiffer(
  fate: { readonly kind: "told"; readonly answer: ToldAnswer } | { readonly kind: "unknown" | "wanted" },
  right: readonly Possibility[],
): ReadonlySet<PlainPart> {
  const shown = fate.kind === "told" ? fate.answer.task?.plain : undefined;
  const differs = (part: PlainPart): boolean =>
    right.some(({ next: { exists, plain } }) => {
      return exists && shown?.[part] !== undefined && plain[part] !== undefined && shown[part] !== plain[part];
    });
  return new Set(PLAIN_PARTS.filter(differs));
}

const PARTS = ["status", "revision", "statusMessage", "cancelRequestedAt", "inputs", "lease", "outcome"] as const;

/** What a caller was told, in words; of a task those parts that are of interest, and these. */
export function describeAnswer(answer: CallAnswer | null, parts: ReadonlySet<PlainPart> = new Set()): string {
  if (answer === null) return "nothing: it never ended";
  if (answer.kind === "returned") return describeValue(answer.value, parts);
  const code = answer.code ?? "an error without a code";
  return answer.task === undefined ? code : `${code} with ${describeValue(answer.task, parts)}`;
}

function describeValue(value: unknown, parts: ReadonlySet<PlainPart>): string {
  if (!isObject(value)) return value === undefined ? "undefined" : short(value);
  if (isObject(value["task"]) && value["token"] !== undefined)
    return `a lease with token ${short(value["token"])} and ${describeValue(value["task"], parts)}`;
  if (value["taskId"] === undefined) return short(value);
  const shown = [...PARTS, ...parts].filter((part) => value[part] !== undefined).map((part) => [part, value[part]]);
  return `the task ${short(Object.fromEntries(shown))}`;
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length <= 300 ? text : `${text.slice(0, 300)} …`;
}
