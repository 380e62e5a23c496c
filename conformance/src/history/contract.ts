/**
 * What the contract of `TaskStore` lets a call do and answer, one call at a time, as far as anybody can see it: written
 * from the texts of the interface, not from an engine. What the texts leave free is free here: several possibilities, or
 * a part of the state that is not known until an answer shows it.
 */
import { isTerminal, type TaskOutcome, type TaskStoreErrorCode } from "@mcp-task-store/core";
import { canonicalJson } from "./canonical-json.ts";
import type { HistoryAllowances, HistoryCall } from "./history-data.ts";
import { sortedInputs } from "./shown-task.ts";
import {
  ended,
  gone,
  isHeld,
  isOpen,
  type KnownInput,
  movedOn,
  perhapsMovedOn,
  type PlainPart,
  stateWith,
  type TaskState,
} from "./task-state.ts";

/** What the caller is told. */
export type Expected =
  /** The task as the call leaves it. Of a write it may be what stood a moment later, before the call ended. */
  | { readonly kind: "task"; readonly wantsOutcome: boolean; readonly mayBeLater: boolean }
  /** A lease: of an acquire with a new token, else with this one. */
  | { readonly kind: "lease"; readonly token: number | undefined }
  | { readonly kind: "outcome" }
  | { readonly kind: "value"; readonly value: boolean | undefined }
  /** undefined: the lease was got and lost again before the call ended. */
  | { readonly kind: "lost-lease" }
  /** TASK_TERMINAL carries the task. */
  | { readonly kind: "refusal"; readonly code: TaskStoreErrorCode };

/** One thing that a call may do, and what it answers then. */
export interface Possibility {
  readonly expected: Expected;
  readonly next: TaskState;
}

type CallOf<M extends HistoryCall["method"]> = Extract<HistoryCall, { readonly method: M }>;

const READ: Expected = { kind: "task", wantsOutcome: false, mayBeLater: false };
const WRITTEN: Expected = { kind: "task", wantsOutcome: false, mayBeLater: true };
const NOTHING: Expected = { kind: "value", value: undefined };

function refusal(state: TaskState, code: TaskStoreErrorCode): Possibility {
  return { expected: { kind: "refusal", code }, next: state };
}

/** What this call may do to a task in this state; never nothing at all. */
export function possibilities(state: TaskState, call: HistoryCall, allows: HistoryAllowances): readonly Possibility[] {
  if (call.method === "createTask") return created(state, call);
  if (!reaches(state, call)) return ofNoTask(state, call);
  switch (call.method) {
    case "getTask":
      return [{ expected: { kind: "task", wantsOutcome: call.outcome === true, mayBeLater: false }, next: state }];
    case "getOutcome":
      return [{ expected: isOpen(state) ? NOTHING : { kind: "outcome" }, next: state }];
    case "waitForUpdate":
      return [
        { expected: READ, next: state },
        { expected: NOTHING, next: state },
      ];
    case "waitForOutcome":
      return [
        ...(isOpen(state) ? [] : [{ expected: { kind: "outcome" }, next: state } as const]),
        { expected: NOTHING, next: state },
      ];
    case "deleteTask":
      return [{ expected: { kind: "value", value: true }, next: gone(state) }];
    case "requestCancellation":
      return [{ expected: WRITTEN, next: askedToCancel(state) }];
    case "acquireLease":
      return acquired(state, call, allows);
    case "push":
      return pushed(state, call);
    default:
      return isOpen(state) ? ofOpen(state, call) : refusedAsEnded(state, call);
  }
}

function reaches(state: TaskState, { as }: HistoryCall): boolean {
  if (!state.exists) return false;
  return as === undefined || state.plain.principal === undefined || state.plain.principal === canonicalJson(as);
}

function ofNoTask(state: TaskState, { method }: HistoryCall): readonly Possibility[] {
  if (method === "getTask") return [{ expected: NOTHING, next: state }];
  if (method === "deleteTask") return [{ expected: { kind: "value", value: false }, next: state }];
  const notFound = refusal(state, "TASK_NOT_FOUND");
  const waits = method === "waitForUpdate" || method === "waitForOutcome";
  return waits ? [notFound, { expected: NOTHING, next: state }] : [notFound];
}

function created(state: TaskState, { as, params }: CallOf<"createTask">): readonly Possibility[] {
  if (state.exists) {
    if (params.idempotencyKey === undefined) return [refusal(state, "ALREADY_EXISTS")];
    return [{ expected: WRITTEN, next: state }];
  }
  const text = (value: unknown): string => canonicalJson(value);
  const { pollIntervalMs } = params;
  const next = movedOn(state, {
    exists: true,
    status: "working",
    plain: {
      statusMessage: text(params.statusMessage),
      metadata: text(params.metadata),
      pollIntervalMs: pollIntervalMs === undefined ? undefined : text(pollIntervalMs),
      attempts: "0",
      cancelRequestedAt: "false",
      principal: text(as === undefined ? params.principal : as),
      generation: text(params.generation),
    },
    outcome: null,
    inputs: [],
    lease: null,
    messageIds: [],
  });
  return [{ expected: WRITTEN, next }];
}

function askedToCancel(state: TaskState): TaskState {
  if (!isOpen(state)) return state;
  if (!isHeld(state)) return cancelled(state);
  return state.plain.cancelRequestedAt === "true"
    ? state
    : movedOn(state, plainWith(state, { cancelRequestedAt: "true" }));
}

function plainWith(state: TaskState, parts: Partial<Record<PlainPart, string | undefined>>): Pick<TaskState, "plain"> {
  return { plain: { ...state.plain, ...parts } };
}

/** @param statusMessage as canonical JSON; absent: whatever the store says */
function cancelled(state: TaskState, statusMessage?: string): TaskState {
  return ended(state, "cancelled", canonicalJson({ status: "cancelled" }), statusMessage);
}

function acquired(
  state: TaskState,
  { holder }: CallOf<"acquireLease">,
  { maxAttempts }: HistoryAllowances,
): readonly Possibility[] {
  const none: Possibility = { expected: NOTHING, next: state };
  if (!isOpen(state) || isHeld(state)) return [none];
  if (state.plain.cancelRequestedAt === "true") return [{ expected: NOTHING, next: cancelled(state) }];
  const { attempts } = state.plain;
  const used = attempts === undefined ? undefined : Number(attempts);
  const next = movedOn(state, {
    lease: { token: undefined, holder, over: false },
    ...plainWith(state, { attempts: used === undefined ? undefined : `${used + 1}` }),
  });
  const lease: Possibility = { expected: { kind: "lease", token: undefined }, next };
  const got: readonly Possibility[] = [lease, { expected: { kind: "lost-lease" }, next }];
  if (used === 0) return got;
  if (used === undefined || maxAttempts === undefined) return [...got, none];
  return used < maxAttempts ? got : [none];
}

/** A message that the task has had is not added again, which is no error after its end either. */
function pushed(state: TaskState, { messageId }: CallOf<"push">): readonly Possibility[] {
  const { messageIds } = state;
  const again: Possibility = { expected: NOTHING, next: state };
  if (messageIds?.includes(messageId) === true) return [again];
  const added = messageIds && [...messageIds, messageId].toSorted();
  const first = isOpen(state)
    ? { expected: NOTHING, next: movedOn(state, { messageIds: added }) }
    : refusal(state, "TASK_TERMINAL");
  return messageIds === undefined ? [first, again] : [first];
}

function refusedAsEnded(state: TaskState, call: HistoryCall): readonly Possibility[] {
  const terminal = refusal(state, "TASK_TERMINAL");
  // Its lease is over as well: both are true.
  const showsToken = "token" in call || ("lease" in call && call.lease !== undefined && call.force !== true);
  return showsToken ? [terminal, refusal(state, "LEASE_LOST")] : [terminal];
}

function ofOpen(state: TaskState, call: HistoryCall): readonly Possibility[] {
  switch (call.method) {
    case "updateTask":
      return underAuthority(state, call, (allowed) => [{ expected: WRITTEN, next: updated(allowed, call) }]);
    case "finishTask":
      return underAuthority(state, call, (allowed) => finished(allowed, call));
    case "requestInputs":
      return underAuthority(state, call, (allowed) => [asked(allowed, call)]);
    case "cancelTask": {
      const message = call.statusMessage === undefined ? state.plain.statusMessage : canonicalJson(call.statusMessage);
      return [{ expected: WRITTEN, next: cancelled(state, message) }];
    }
    case "answerInputs":
      return [{ expected: WRITTEN, next: answered(state, call) }];
    case "renewLease":
      return withToken(state, call.token, (held) => ({ expected: { kind: "lease", token: call.token }, next: held }));
    case "releaseLease":
      return withToken(state, call.token, (held) => ({ expected: WRITTEN, next: released(held) }));
    default:
      throw new TypeError(`${call.method} has no rule for an open task`);
  }
}

/** While somebody holds a lease, only who shows its token, or uses force; else whoever shows none. */
function underAuthority(
  state: TaskState,
  { lease, force }: { readonly lease?: number | undefined; readonly force?: boolean | undefined },
  allowed: (state: TaskState) => readonly Possibility[],
): readonly Possibility[] {
  if (force === true) return allowed(state);
  if (lease === undefined) return isHeld(state) ? [refusal(state, "LEASE_LOST")] : allowed(state);
  return [...held(state, lease).flatMap(allowed), ...lost(state, lease)];
}

function withToken(
  state: TaskState,
  token: number,
  allowed: (state: TaskState) => Possibility,
): readonly Possibility[] {
  return [...held(state, token).map(allowed), ...lost(state, token)];
}

/** The state in which this token is the live lease's, if it may be. */
function held(state: TaskState, token: number): readonly TaskState[] {
  const { lease } = state;
  if (lease === null || lease.over || (lease.token !== undefined && lease.token !== token)) return [];
  return [stateWith(state, { lease: { ...lease, token }, lastToken: Math.max(state.lastToken, token) })];
}

function lost(state: TaskState, token: number): readonly Possibility[] {
  const { lease } = state;
  return lease !== null && !lease.over && lease.token === token ? [] : [refusal(state, "LEASE_LOST")];
}

function updated(state: TaskState, { change }: CallOf<"updateTask">): TaskState {
  const { statusMessage, metadata, pollIntervalMs } = change;
  const next = plainWith(state, {
    ...(statusMessage === undefined ? {} : { statusMessage: canonicalJson(statusMessage) }),
    ...(metadata === undefined ? {} : { metadata: canonicalJson(metadata) }),
    ...(pollIntervalMs === undefined ? {} : { pollIntervalMs: canonicalJson(pollIntervalMs) }),
  });
  const changes = (["statusMessage", "metadata", "pollIntervalMs"] as const).some(
    (part) => next.plain[part] !== state.plain[part],
  );
  return changes ? movedOn(state, next) : perhapsMovedOn(state, next);
}

/** An `isError` result ends a task by its generation; of a failure the message may come from the store. */
function finished(state: TaskState, call: CallOf<"finishTask">): readonly Possibility[] {
  const { outcome, statusMessage } = call;
  const { generation } = state.plain;
  const given = statusMessage === undefined ? undefined : canonicalJson(statusMessage);
  const as = (stored: TaskOutcome, message: string | undefined): Possibility => ({
    expected: WRITTEN,
    next: ended(state, stored.status, canonicalJson(stored), given ?? message),
  });
  if (outcome.status === "cancelled") return [as(outcome, state.plain.statusMessage)];
  if ("error" in outcome) return [as(outcome, canonicalJson(outcome.error.message))];
  const { result } = outcome;
  const completed = as({ status: "completed", result }, state.plain.statusMessage);
  const failed = as({ status: "failed", result }, undefined);
  if (outcome.status === "failed" && result["isError"] !== true) return [failed];
  if (result["isError"] !== true) return [completed];
  if (generation === undefined) return [completed, failed];
  return [generation === canonicalJson("2025-11-25") ? failed : completed];
}

/** A known key with the same request asks nothing new; with another one the whole call is refused. */
function asked(state: TaskState, { inputs }: CallOf<"requestInputs">): Possibility {
  const known = new Map(state.inputs.map((input) => [input.key, input]));
  const added: KnownInput[] = [];
  for (const [key, value] of Object.entries(inputs)) {
    const request = canonicalJson(value);
    const before = known.get(key);
    if (before === undefined) added.push({ key, request, response: null });
    else if (before.request !== request) return refusal(state, "INPUT_KEY_REUSED");
  }
  if (added.length === 0) return { expected: WRITTEN, next: perhapsMovedOn(state) };
  const next = movedOn(state, { status: "input_required", inputs: sortedInputs([...state.inputs, ...added]) });
  return { expected: WRITTEN, next };
}

/** Only open questions are answered; the last answer lets the task work again. */
function answered(state: TaskState, { answers }: CallOf<"answerInputs">): TaskState {
  const given = new Map(Object.entries(answers));
  let isNews = false;
  const inputs = state.inputs.map((input): KnownInput => {
    const answer = given.get(input.key);
    if (answer === undefined || input.response !== null) return input;
    isNews = true;
    return { ...input, response: canonicalJson(answer) };
  });
  if (!isNews) return perhapsMovedOn(state);
  const waits = inputs.some((input) => input.response === null);
  return movedOn(state, { inputs, status: waits ? "input_required" : "working" });
}

function released(state: TaskState): TaskState {
  if (state.plain.cancelRequestedAt === "true") return cancelled(state);
  const { attempts } = state.plain;
  const left = attempts === undefined ? undefined : `${Math.max(0, Number(attempts) - 1)}`;
  return movedOn(state, { lease: null, ...plainWith(state, { attempts: left }) });
}

/** What may happen to a task that nobody calls about, in one step or more. */
export function drifted(state: TaskState, allows: HistoryAllowances): readonly TaskState[] {
  if (!state.exists) return [];
  const found: TaskState[] = [];
  // A cancelled task may be deleted at any time (S-59).
  if (state.status === "cancelled" || allows.expiry === true) found.push(gone(state));
  if (allows.lapse !== true || isTerminal(state.status) || state.lease === null) return found;
  const over = stateWith(state, { lease: { ...state.lease, over: true } });
  const mended = [
    ended(over, "failed", undefined, undefined),
    state.plain.cancelRequestedAt === "true" ? cancelled(over) : movedOn(over, { lease: null }),
  ];
  const after = [over, ...mended].filter(({ key }) => key !== state.key);
  return [...found, ...after, ...mended.flatMap((one) => drifted(one, allows))];
}
