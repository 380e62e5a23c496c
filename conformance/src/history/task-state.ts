import { isTerminal, type TaskStatus } from "@mcp-task-store/core";

/** Parts that are one value: canonical JSON text; undefined: not known, or free, until an answer shows it. */
export const PLAIN_PARTS = [
  "statusMessage",
  "metadata",
  "pollIntervalMs",
  "attempts",
  "cancelRequestedAt",
  "principal",
  "generation",
] as const;

export type PlainPart = (typeof PLAIN_PARTS)[number];
export type PlainParts = Readonly<Record<PlainPart, string | undefined>>;

/** Canonical JSON texts. */
export interface KnownInput {
  readonly key: string;
  readonly request: string;
  readonly response: string | null;
}

export interface KnownLease {
  /** undefined: whoever got it was not told, or the history does not say. */
  readonly token: number | undefined;
  readonly holder: string | undefined;
  /** It ran out, and nobody has noticed yet. */
  readonly over: boolean;
}

interface StateParts {
  /** False: never made, deleted, expired. */
  readonly exists: boolean;
  readonly status: TaskStatus;
  /** What it is, or where nobody saw it since it moved, what it is at least. */
  readonly revision: { readonly known: boolean; readonly atLeast: number };
  readonly plain: PlainParts;
  /** Canonical JSON text; null: none, it is open; undefined: any that goes with the status. */
  readonly outcome: string | null | undefined;
  /** By key, in order; of an ended task only what was answered. */
  readonly inputs: readonly KnownInput[];
  /** The lease that is held. */
  readonly lease: KnownLease | null;
  /** The highest token that anybody was given. */
  readonly lastToken: number;
  /** Ids of the messages that it has had, in order; undefined: there may have been any. */
  readonly messageIds: readonly string[] | undefined;
}

/** What the contract lets anybody see of a task between two calls. */
export interface TaskState extends StateParts {
  /** Equal for equal states. */
  readonly key: string;
}

const UNKNOWN_PARTS: PlainParts = {
  statusMessage: undefined,
  metadata: undefined,
  pollIntervalMs: undefined,
  attempts: undefined,
  cancelRequestedAt: undefined,
  principal: undefined,
  generation: undefined,
};

function withKey(parts: StateParts): TaskState {
  const { exists, status, revision, plain, outcome, inputs, lease, lastToken, messageIds } = parts;
  const head = [exists, revision.known, revision.atLeast, lastToken];
  const rest = exists
    ? [status, PLAIN_PARTS.map((part) => plain[part] ?? 0), outcome ?? typeof outcome, inputs, messageIds]
    : [];
  const held = exists && lease !== null ? [lease.token ?? "?", lease.holder ?? null, lease.over] : [];
  return { ...parts, key: JSON.stringify([head, rest, held]) };
}

/** The state before a task is made. */
export const NO_TASK: TaskState = withKey({
  exists: false,
  status: "working",
  revision: { known: false, atLeast: Number.MIN_SAFE_INTEGER },
  plain: UNKNOWN_PARTS,
  outcome: null,
  inputs: [],
  lease: null,
  lastToken: Number.MIN_SAFE_INTEGER,
  messageIds: undefined,
});

/** A state that differs in these parts, and in nothing that can be seen otherwise. */
export function stateWith(state: TaskState, parts: Partial<StateParts>): TaskState {
  return withKey({ ...state, ...parts });
}

/** The state after a write that everybody can see: its revision is another, and higher. */
export function movedOn(state: TaskState, parts: Partial<StateParts>): TaskState {
  return stateWith(state, { ...parts, revision: { known: false, atLeast: state.revision.atLeast + 1 } });
}

/** The state after an accepted write that changed nothing one could see: the revision may have moved. */
export function perhapsMovedOn(state: TaskState, parts: Partial<StateParts> = {}): TaskState {
  return stateWith(state, { ...parts, revision: { known: false, atLeast: state.revision.atLeast } });
}

export function gone(state: TaskState): TaskState {
  return perhapsMovedOn(state, { exists: false, lease: null });
}

/** The end of a task: no lease, no open question. Whether it still shows a wish to cancel is free. */
export function ended(
  state: TaskState,
  status: TaskStatus,
  outcome: string | undefined,
  statusMessage: string | undefined,
): TaskState {
  return movedOn(state, {
    status,
    outcome,
    plain: { ...state.plain, statusMessage, cancelRequestedAt: undefined },
    inputs: state.inputs.filter((input) => input.response !== null),
    lease: null,
  });
}

export function isOpen(state: TaskState): boolean {
  return state.exists && !isTerminal(state.status);
}

/** Whether somebody holds a lease that counts. */
export function isHeld(state: TaskState): boolean {
  return state.lease !== null && !state.lease.over;
}

/** The state in words, for people. @param parts shown besides those that are always of interest */
export function describeState(state: TaskState, parts: ReadonlySet<PlainPart> = new Set()): string {
  return describe(state, [describeRevision(state.revision)], parts);
}

/** The same for states of which different things are known of the revision. */
export function describeWithoutRevision(state: TaskState): string {
  return describe(state, [], new Set(PLAIN_PARTS));
}

function describe(state: TaskState, revision: readonly string[], parts: ReadonlySet<PlainPart>): string {
  if (!state.exists) return "no task";
  const { plain, outcome, lease } = state;
  const inputs = state.inputs.map(({ key, response }) => `${key}: ${response === null ? "open" : response}`);
  const words = [
    state.status,
    ...(state.revision.atLeast > 0 ? revision : []),
    ...(plain.statusMessage === undefined || plain.statusMessage === "null" ? [] : [`message ${plain.statusMessage}`]),
    ...(inputs.length === 0 ? [] : [`inputs { ${inputs.join(", ")} }`]),
    ...(plain.cancelRequestedAt === "true" ? ["asked to cancel"] : []),
    ...(lease === null ? [] : [`held by ${lease.holder ?? "somebody"}${lease.over ? " for too long" : ""}`]),
    ...(typeof outcome === "string" ? [`outcome ${outcome}`] : []),
    ...[...parts].filter((part) => !ALWAYS_SHOWN.has(part)).map((part) => `${part} ${plain[part] ?? "free"}`),
  ];
  return `{ ${words.join(", ")} }`;
}

const ALWAYS_SHOWN: ReadonlySet<PlainPart> = new Set(["statusMessage", "cancelRequestedAt"]);

function describeRevision({ known, atLeast }: TaskState["revision"]): string {
  return known ? `revision ${atLeast}` : `revision ${atLeast} or more`;
}
