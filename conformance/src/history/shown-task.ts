import { isTerminal, type TaskStatus } from "@mcp-task-store/core";
import { canonicalJson } from "./canonical-json.ts";
import type { TaskPart } from "./history-data.ts";
import {
  type KnownInput,
  NO_TASK,
  PLAIN_PARTS,
  type PlainPart,
  type PlainParts,
  stateWith,
  type TaskState,
} from "./task-state.ts";

/** What an answer shows of the task. Parts that are undefined are not looked at. */
export interface ShownTask {
  readonly status: TaskStatus;
  readonly revision: number | undefined;
  readonly plain: PlainParts;
  readonly inputs: readonly KnownInput[] | undefined;
  /** Canonical JSON text; null: none is shown. */
  readonly outcome: string | null;
  /** Who holds the task, as far as that is shown. */
  readonly holder: string | undefined;
}

/** Which task the answers of a history are about, and how much they show of it. */
export interface Showing {
  readonly taskId: string;
  readonly parts: ReadonlySet<TaskPart> | undefined;
}

const STATUSES: ReadonlySet<unknown> = new Set<TaskStatus>([
  "working",
  "input_required",
  "completed",
  "failed",
  "cancelled",
]);

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStatus(value: unknown): value is TaskStatus {
  return STATUSES.has(value);
}

/** The task in an answer; undefined if there is none, or another one. */
export function shownTask(value: unknown, { taskId, parts }: Showing): ShownTask | undefined {
  if (!isObject(value) || !isStatus(value["status"])) return undefined;
  if (value["taskId"] !== undefined && value["taskId"] !== taskId) return undefined;
  const looksAt = (part: TaskPart): boolean => parts === undefined || parts.has(part);
  const revision = value["revision"];
  if (looksAt("revision") && typeof revision !== "number") return undefined;
  const inputs = looksAt("inputs") ? shownInputs(value["inputs"]) : undefined;
  if (inputs === null) return undefined;
  const plain = (part: PlainPart): string | undefined => (looksAt(part) ? canonicalJson(value[part]) : undefined);
  const lease = value["lease"];
  const holder = isObject(lease) && looksAt("lease") ? lease["holder"] : undefined;
  return {
    status: value["status"],
    revision: looksAt("revision") && typeof revision === "number" ? revision : undefined,
    plain: {
      statusMessage: plain("statusMessage"),
      metadata: plain("metadata"),
      pollIntervalMs: plain("pollIntervalMs"),
      attempts: plain("attempts"),
      // When it was asked for is the backend's business.
      cancelRequestedAt: looksAt("cancelRequestedAt") ? `${value["cancelRequestedAt"] !== undefined}` : undefined,
      principal: plain("principal"),
      generation: plain("generation"),
    },
    inputs,
    outcome: value["outcome"] === undefined ? null : canonicalJson(value["outcome"]),
    holder: typeof holder === "string" ? holder : undefined,
  };
}

/** null: these are no inputs. */
function shownInputs(value: unknown): readonly KnownInput[] | null {
  if (!isObject(value)) return null;
  const inputs: KnownInput[] = [];
  for (const [key, input] of Object.entries(value)) {
    if (!isObject(input)) return null;
    const { request, response } = input;
    inputs.push({
      key,
      request: canonicalJson(request),
      response: response === undefined ? null : canonicalJson(response),
    });
  }
  return sortedInputs(inputs);
}

export function sortedInputs(inputs: readonly KnownInput[]): readonly KnownInput[] {
  return inputs.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** The state of a task that a history begins with. Whose lease it shows, and with which token, calls will tell. */
export function stateOfShown(shown: ShownTask, isLeased: boolean): TaskState {
  const isOver = isTerminal(shown.status);
  return stateWith(NO_TASK, {
    exists: true,
    status: shown.status,
    revision: shown.revision === undefined ? NO_TASK.revision : { known: true, atLeast: shown.revision },
    plain: shown.plain,
    outcome: shown.outcome ?? (isOver ? undefined : null),
    inputs: shown.inputs ?? [],
    lease: isLeased && !isOver ? { token: undefined, holder: shown.holder, over: false } : null,
  });
}

/**
 * What is known of a state once this was seen of it; undefined: it cannot have been seen.
 * @param wantsOutcome the call asked for the outcome: an ended task shows it
 */
export function afterSeeing(state: TaskState, seen: ShownTask, wantsOutcome: boolean): TaskState | undefined {
  if (!state.exists || state.status !== seen.status) return undefined;
  const { revision } = state;
  if (seen.revision !== undefined) {
    if (revision.known ? seen.revision !== revision.atLeast : seen.revision < revision.atLeast) return undefined;
  }
  if (seen.inputs !== undefined && !sameInputs(state.inputs, seen.inputs)) return undefined;
  for (const part of PLAIN_PARTS) {
    const known = state.plain[part];
    const shown = seen.plain[part];
    if (known !== undefined && shown !== undefined && known !== shown) return undefined;
  }
  if (!holdsOutcome(state, seen.outcome, wantsOutcome)) return undefined;
  const { lease } = state;
  if (lease?.holder !== undefined && seen.holder !== undefined && lease.holder !== seen.holder) return undefined;
  return stateWith(state, {
    revision: seen.revision === undefined ? revision : { known: true, atLeast: seen.revision },
    plain: mergedParts(state.plain, seen.plain),
    outcome: state.outcome ?? seen.outcome ?? state.outcome,
    lease: lease === null || lease.holder !== undefined ? lease : { ...lease, holder: seen.holder },
  });
}

function mergedParts(known: PlainParts, seen: PlainParts): PlainParts {
  return {
    statusMessage: known.statusMessage ?? seen.statusMessage,
    metadata: known.metadata ?? seen.metadata,
    pollIntervalMs: known.pollIntervalMs ?? seen.pollIntervalMs,
    attempts: known.attempts ?? seen.attempts,
    cancelRequestedAt: known.cancelRequestedAt ?? seen.cancelRequestedAt,
    principal: known.principal ?? seen.principal,
    generation: known.generation ?? seen.generation,
  };
}

function sameInputs(known: readonly KnownInput[], seen: readonly KnownInput[]): boolean {
  if (known.length !== seen.length) return false;
  return known.every(({ key, request, response }, at) => {
    const other = seen[at];
    return other?.key === key && other.request === request && other.response === response;
  });
}

function holdsOutcome(state: TaskState, seen: string | null, wanted: boolean): boolean {
  if (!isTerminal(state.status)) return seen === null;
  if (seen === null) return !wanted;
  return isOutcomeOf(state, seen);
}

/** Whether the state can have ended so. */
export function isOutcomeOf(state: TaskState, seen: string): boolean {
  if (state.outcome !== undefined) return state.outcome === seen;
  const outcome: unknown = JSON.parse(seen);
  if (!isObject(outcome) || outcome["status"] !== state.status) return false;
  return state.status === "cancelled" || isObject(outcome["result"]) || isObject(outcome["error"]);
}
