/**
 * Every rule of a task's life, once, as pure functions over plain data. The engine turns commands into writes with
 * `plan`, names refusals with `explain`; `apply`, `born` and `afterLook` say what a write means, and every driver must
 * equal them at the clock reading it returns. Nothing here reads a clock, waits or throws for a refusal.
 */
import type { Command, EncodedOutcome, Fence, Refusal } from "./commands.ts";
import type { JsonText } from "./json.ts";
import type { LeaseRecord, TaskRecord } from "./task-record.ts";
import type { Alternative, Change, Guards, Insert, InsertAnswer, Remove, Write, WriteAnswer } from "./task-driver.ts";
import type { TaskInput, TaskStatus } from "./task.ts";

/** How many accepted writes a record remembers. */
export const RING_SIZE = 8;

/** JSON-RPC code stored on a task that maintenance had to fail: an internal error of the server. */
const INTERNAL_ERROR = -32603;

const WORKER_LOST = "The worker was lost before it finished.";
const RAN_TOO_LONG = "The run exceeded its time limit.";
const TOOL_ERROR = "The tool reported an error.";

/** What a command comes down to, given what is known of the row. */
export type Plan =
  | { readonly kind: "write"; readonly alternatives: readonly Alternative[]; readonly quiet?: true }
  /** The row already is as the command wants it. */
  | { readonly kind: "nothing" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** The command's alternatives need the row only for ask, answer and recover; others are planned blind. */
export type BlindCommand = Exclude<Command, { type: "ask" | "answer" | "recover" }>;
export type InformedCommand = Extract<Command, { type: "ask" | "answer" | "recover" }>;

/**
 * Turns a command into the write that carries it out, or says that none is needed or allowed.
 * @param nowUs the clock reading that came with `row`; only recover looks at it
 */
export function plan(command: BlindCommand): Plan;
export function plan(command: InformedCommand, row: TaskRecord, nowUs: number): Plan;
export function plan(command: Command, row?: TaskRecord, nowUs = 0): Plan {
  switch (command.type) {
    case "report":
      return write(reportAlternative(command));
    case "finish":
      return write(...finishAlternatives(command));
    case "cancel":
      return write({ when: { open: true }, then: ending("cancelled", null, command.statusMessage) });
    case "request-cancel":
      return write(
        { when: { open: true, lease: "none" }, then: { ...ending("cancelled", null), cancelRequested: "now" } },
        { when: { open: true, lease: "live", cancelRequested: false }, then: { cancelRequested: "now" } },
      );
    case "acquire":
      return write(...acquireAlternatives(command));
    case "renew":
      return {
        kind: "write",
        quiet: true,
        alternatives: [
          {
            when: { open: true, lease: { token: command.token } },
            then: { lease: { extendMs: command.leaseMs, graceMs: command.graceMs } },
          },
        ],
      };
    case "release":
      return write(...releaseAlternatives({ token: command.token }, command.claimWithinMs, -1));
    case "ask":
      return row === undefined ? rowNeeded(command) : planAsk(command, row, nowUs);
    case "answer":
      return row === undefined ? rowNeeded(command) : planAnswer(command, row);
    case "recover":
      return row === undefined ? rowNeeded(command) : planRecover(command, row, nowUs);
    case "reannounce":
      return {
        kind: "write",
        quiet: true,
        alternatives: [{ when: { status: "working", lease: "none" }, then: { claimInMs: command.claimWithinMs } }],
      };
  }
}

function rowNeeded(command: Command): never {
  throw new TypeError(`${command.type} cannot be planned without the row`);
}

function write(...alternatives: readonly Alternative[]): Plan {
  return { kind: "write", alternatives };
}

/** A terminal state: no lease, no claim, no run, and a full ttl from now (S-58, X-20; the seed restarts the ttl too). */
function ending(status: TaskStatus, outcome: JsonText | null, statusMessage?: string | null): Change {
  return {
    set: { status, outcome, ...(statusMessage === undefined ? {} : { statusMessage }) },
    ttl: "restart",
    lease: null,
    claimInMs: null,
    runInMs: null,
  };
}

/** While a live lease exists, only its holder reports, asks and finishes, or trusted code by force. */
function fenced(fence: Fence): Guards {
  if (fence === "force") return { open: true };
  return { open: true, lease: fence === "unleased" ? "none" : fence };
}

function reportAlternative(command: Extract<Command, { type: "report" }>): Alternative {
  return {
    when: fenced(command.fence),
    then: { set: command.change, ...(command.change.ttlMs === undefined ? {} : { ttl: "restart" }) },
  };
}

/**
 * An `isError` result ends a task as failed in generation 2025-11-25 (S-66, S-68) and as completed otherwise (X-56);
 * failed with a plain result exists in 2025-11-25 only (X-10).
 */
function finishAlternatives(command: Extract<Command, { type: "finish" }>): readonly Alternative[] {
  const { outcome, statusMessage } = command;
  const when = fenced(command.fence);
  const as = (status: TaskStatus, fallback?: string): Change =>
    ending(status, outcome.text, statusMessage === undefined ? (outcome.message ?? fallback) : statusMessage);
  if (outcome.kind !== "result") return [{ when, then: as(outcome.status) }];
  const failed: Alternative = { when: { ...when, generation: "2025-11-25" }, then: as("failed", TOOL_ERROR) };
  if (outcome.isError) return [failed, { when, then: as("completed") }];
  return outcome.status === "failed" ? [failed] : [{ when, then: as("completed") }];
}

/** A task whose cancellation was asked for and that nobody works on any more has no use for another worker. */
function acquireAlternatives(command: Extract<Command, { type: "acquire" }>): readonly Alternative[] {
  return [
    { when: { open: true, lease: "none", cancelRequested: true }, then: ending("cancelled", null) },
    {
      when: { open: true, lease: "none", attemptsBelow: command.maxAttempts },
      then: {
        lease: { take: command.holder, forMs: command.leaseMs, graceMs: command.graceMs },
        claimInMs: null,
        runInMs: command.maxRunMs,
        attempts: 1,
      },
    },
  ];
}

/** The task goes back to whoever takes it next; a question to the client stays open. */
function releaseAlternatives(
  lease: { readonly token: number } | { readonly lapsed: number },
  claimWithinMs: number,
  attempts?: -1,
  further: Guards = {},
): readonly Alternative[] {
  const released = {
    ttl: "restart",
    lease: null,
    runInMs: null,
    ...(attempts === undefined ? {} : { attempts }),
  } as const;
  return [
    { when: { open: true, lease, cancelRequested: true }, then: ending("cancelled", null) },
    { when: { status: "working", lease, ...further }, then: { ...released, claimInMs: claimWithinMs } },
    { when: { status: "input_required", lease, ...further }, then: { ...released, claimInMs: null } },
  ];
}

/** The stored inputs, by key. */
export function parseInputs(text: JsonText | null): ReadonlyMap<string, TaskInput> {
  if (text === null) return new Map();
  const stored: Readonly<Record<string, TaskInput>> = JSON.parse(text);
  return new Map(Object.entries(stored));
}

/** Parsed and written again: the same values, which is what JSON promises; an own "__proto__" stays a key. */
function inputsText(inputs: ReadonlyMap<string, TaskInput>): JsonText {
  return JSON.stringify(Object.fromEntries(inputs));
}

function sameJson(value: unknown, text: JsonText): boolean {
  return canonical(value) === canonical(JSON.parse(text));
}

/** JSON with object keys in one order: two requests are the same whatever order their keys were written in. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

/**
 * Keys are unique over the task's life (X-28, X-29): the same request under a known key asks nothing new and keeps its
 * answer, another request is refused.
 */
function planAsk(command: Extract<Command, { type: "ask" }>, row: TaskRecord, nowUs: number): Plan {
  const refusal = refusalByState(command, row, nowUs);
  if (refusal !== undefined) return { kind: "refused", refusal };
  const inputs = new Map(parseInputs(row.inputs));
  let added = false;
  for (const [key, text] of command.inputs) {
    const known = inputs.get(key);
    if (known === undefined) {
      inputs.set(key, { request: JSON.parse(text) });
      added = true;
    } else if (!sameJson(known.request, text)) {
      return { kind: "refused", refusal: "input-key-reused" };
    }
  }
  if (!added) return { kind: "nothing" };
  return write({
    when: { ...fenced(command.fence), expectedInputs: row.inputsId },
    then: { set: { status: "input_required", inputs: inputsText(inputs) }, claimInMs: null },
  });
}

/** Unknown and already answered keys are ignored (X-34); the last open answer resumes the task (S-28, X-35). */
function planAnswer(command: Extract<Command, { type: "answer" }>, row: TaskRecord): Plan {
  if (!isOpen(row.status)) return { kind: "refused", refusal: "terminal" };
  const inputs = new Map(parseInputs(row.inputs));
  let changed = false;
  for (const [key, text] of command.answers) {
    const known = inputs.get(key);
    if (known === undefined || known.response !== undefined) continue;
    inputs.set(key, { request: known.request, response: JSON.parse(text) });
    changed = true;
  }
  if (!changed) return { kind: "nothing" };
  const set = { inputs: inputsText(inputs) };
  const when = { open: true, expectedInputs: row.inputsId } as const;
  if ([...inputs.values()].some((input) => input.response === undefined)) return write({ when, then: { set } });
  const resumed = { ...set, status: "working" } as const;
  return write(
    { when: { ...when, lease: "live" }, then: { set: resumed } },
    { when: { ...when, lease: "none" }, then: { set: resumed, claimInMs: command.claimWithinMs } },
  );
}

/**
 * A lost worker: an intent to cancel wins, else the policy decides. A run over its time is failed even if its lease
 * lives. A task that nobody claimed gets a new claim period, and whoever wins this write announces it again.
 */
function planRecover(command: Extract<Command, { type: "recover" }>, row: TaskRecord, nowUs: number): Plan {
  const now = toMs(nowUs);
  const { lease } = row;
  if (!isOpen(row.status)) return { kind: "nothing" };
  if (lease !== null && lease.expiresAt <= now) {
    const lapsed = { lapsed: lease.token };
    const fail = { when: { open: true, lease: lapsed }, then: failing(WORKER_LOST) } as const;
    const releases = releaseAlternatives(lapsed, command.claimWithinMs, undefined, {
      attemptsBelow: command.maxAttempts,
    });
    if (command.orphanPolicy === "release") return write(...releases, fail);
    return write({ when: { open: true, lease: lapsed, cancelRequested: true }, then: ending("cancelled", null) }, fail);
  }
  if (lease !== null && row.runUntil !== null && row.runUntil <= now) {
    const over = { open: true, lease: { token: lease.token }, runOver: true } as const;
    return write(
      { when: { ...over, cancelRequested: true }, then: ending("cancelled", null) },
      { when: over, then: failing(RAN_TOO_LONG) },
    );
  }
  if (row.claimBy !== null && row.claimBy <= now) {
    return {
      kind: "write",
      quiet: true,
      alternatives: [
        { when: { status: "working", lease: "none", claimOver: true }, then: { claimInMs: command.claimWithinMs } },
      ],
    };
  }
  return { kind: "nothing" };
}

function failing(message: string): Change {
  return ending("failed", JSON.stringify({ error: { code: INTERNAL_ERROR, message } }), message);
}

/**
 * Names why a write of this command was refused, from the very row and clock reading that the guards saw. Undefined if
 * nothing in them forbids the command: then the write came too late for its deadline.
 */
export function explain(command: Command, row: TaskRecord, nowUs: number): Refusal | undefined {
  const byState = refusalByState(command, row, nowUs);
  if (byState !== undefined) return byState;
  switch (command.type) {
    case "acquire":
      if (isLive(row.lease, toMs(nowUs))) return "held";
      return row.attempts >= command.maxAttempts ? "attempts-exhausted" : undefined;
    case "request-cancel":
      return isLive(row.lease, toMs(nowUs)) && row.cancelRequestedAt !== null ? "cancel-requested" : undefined;
    case "finish":
      return storesFailedResult(command.outcome) && row.generation !== "2025-11-25" ? "failed-with-result" : undefined;
    case "ask":
    case "answer":
      return "inputs-changed";
    case "recover":
    case "reannounce":
      return "not-due";
    default:
      return undefined;
  }
}

function storesFailedResult(outcome: EncodedOutcome): boolean {
  return outcome.kind === "result" && outcome.status === "failed" && !outcome.isError;
}

function refusalByState(command: Command, row: TaskRecord, nowUs: number): Refusal | undefined {
  if (!isOpen(row.status)) return "terminal";
  switch (command.type) {
    case "report":
    case "finish":
    case "ask":
      return holdsFence(command.fence, row.lease, toMs(nowUs)) ? undefined : "lease-lost";
    case "renew":
    case "release":
      return holdsFence({ token: command.token }, row.lease, toMs(nowUs)) ? undefined : "lease-lost";
    default:
      return undefined;
  }
}

function holdsFence(fence: Fence, lease: LeaseRecord | null, now: number): boolean {
  if (fence === "force") return true;
  if (fence === "unleased") return !isLive(lease, now);
  return isLive(lease, now) && lease?.token === fence.token;
}

function isOpen(status: TaskStatus): boolean {
  return status === "working" || status === "input_required";
}

function isLive(lease: LeaseRecord | null, now: number): boolean {
  return lease !== null && now < lease.expiresAt;
}

/** Epoch µs to the epoch ms that records hold. */
export function toMs(us: number): number {
  return Math.floor(us / 1000);
}

/** Whether a row exists for anybody: visible while now < expiresAt. */
export function isVisible(row: Pick<TaskRecord, "expiresAt">, nowUs: number): boolean {
  return row.expiresAt === null || toMs(nowUs) < row.expiresAt;
}

/** The row that an insert makes at a clock reading. */
export function born(insert: Insert, nowUs: number): TaskRecord {
  const now = toMs(nowUs);
  const expiresAt = insert.ttlMs === null ? null : now + insert.ttlMs;
  const claimBy = now + insert.claimInMs;
  return {
    taskId: insert.taskId,
    scope: insert.scope,
    generation: insert.generation,
    createId: insert.createId,
    revision: nowUs,
    ring: [],
    inputsId: null,
    status: "working",
    statusMessage: insert.statusMessage,
    createdAt: now,
    lastUpdatedAt: now,
    ttlMs: insert.ttlMs,
    pollIntervalMs: insert.pollIntervalMs,
    expiresAt,
    claimBy,
    runUntil: null,
    attempts: 0,
    cancelRequestedAt: null,
    inputs: null,
    metadata: insert.metadata,
    lease: null,
    dueAt: earliest([expiresAt, claimBy]),
    request: insert.request,
    outcome: null,
  };
}

/**
 * What an insert means beside the row that is stored under its id, expired or not. Unless the answer's row is that one,
 * it must be stored in its place, and nothing of the old one stays.
 */
export function answerInsert(present: TaskRecord | undefined, insert: Insert, nowUs: number): InsertAnswer {
  if (present !== undefined && isVisible(present, nowUs)) {
    return { kind: present.createId === insert.createId ? "inserted" : "exists", row: present, nowUs };
  }
  return nowUs > insert.notAfterUs ? { kind: "late", nowUs } : { kind: "inserted", row: born(insert, nowUs), nowUs };
}

/** What a removal means for the stored row: if the answer is "removed", the row must go with all that belongs to it. */
export function answerRemove(row: TaskRecord | undefined, remove: Remove, nowUs: number): "removed" | "gone" | "late" {
  if (row === undefined || !isVisible(row, nowUs)) return "gone";
  if (remove.scope !== undefined && remove.scope !== row.scope) return "gone";
  return nowUs > remove.notAfterUs ? "late" : "removed";
}

/**
 * What a write means for a row at a clock reading: the reference that memory calls and every other driver equals.
 * `row` is the stored row or undefined; the answer's row is what must be stored if the kind is "written".
 */
export function apply(row: TaskRecord | undefined, write: Write, nowUs: number): WriteAnswer {
  if (row === undefined || !isVisible(row, nowUs)) return { kind: "gone" };
  if (write.scope !== undefined && write.scope !== row.scope) return { kind: "gone" };
  if (row.ring.some((entry) => entry.writeId === write.writeId)) return { kind: "written", row, nowUs };
  if (nowUs > write.notAfterUs || !ringProves(row, write)) return { kind: "refused", row, nowUs };
  const chosen = write.alternatives.find((alternative) => holds(alternative.when, row, toMs(nowUs)));
  if (chosen === undefined) return { kind: "refused", row, nowUs };
  return { kind: "written", row: changed(row, chosen.then, write, nowUs), nowUs };
}

/**
 * Whether the absence of a write's id from the ring proves that no earlier attempt of it landed: this very row was there,
 * and its ring holds every write since a revision that it had before the first attempt. Revisions only grow, so that
 * holds of a ring that reaches back to one, and of one that never was full. A write that asks for nothing needs no proof.
 */
export function ringProves(row: TaskRecord, write: Pick<Write, "sinceRevision" | "createId" | "bornByUs">): boolean {
  const [oldest] = row.ring;
  if (write.createId !== undefined && row.createId !== write.createId) return false;
  if (write.bornByUs !== undefined && row.createdAt > toMs(write.bornByUs)) return false;
  if (write.sinceRevision === undefined || oldest === undefined || row.ring.length < RING_SIZE) return true;
  return oldest.revision <= write.sinceRevision;
}

function holds(when: Guards, row: TaskRecord, now: number): boolean {
  return (
    (when.open === undefined || isOpen(row.status)) &&
    (when.status === undefined || row.status === when.status) &&
    (when.lease === undefined || leaseHolds(when.lease, row.lease, now)) &&
    (when.expectedInputs === undefined || row.inputsId === when.expectedInputs) &&
    (when.generation === undefined || row.generation === when.generation) &&
    (when.cancelRequested === undefined || (row.cancelRequestedAt !== null) === when.cancelRequested) &&
    (when.attemptsBelow === undefined || row.attempts < when.attemptsBelow) &&
    (when.claimOver === undefined || (row.claimBy !== null && row.claimBy <= now)) &&
    (when.runOver === undefined || (row.runUntil !== null && row.runUntil <= now))
  );
}

function leaseHolds(guard: NonNullable<Guards["lease"]>, lease: LeaseRecord | null, now: number): boolean {
  if (guard === "none") return !isLive(lease, now);
  if (guard === "live") return isLive(lease, now);
  if ("token" in guard) return isLive(lease, now) && lease?.token === guard.token;
  return lease !== null && !isLive(lease, now) && lease.token === guard.lapsed;
}

function changed(row: TaskRecord, change: Change, write: Write, nowUs: number): TaskRecord {
  const now = toMs(nowUs);
  const set = change.set ?? {};
  const quiet = write.quiet === true;
  const revision = quiet ? row.revision : Math.max(row.revision + 1, nowUs);
  const lastUpdatedAt = quiet ? row.lastUpdatedAt : Math.max(row.lastUpdatedAt, now);
  const lifeMs = set.ttlMs === undefined ? row.ttlMs : set.ttlMs;
  const ageMs = set.ttlMs === undefined ? 0 : Math.max(0, now - row.createdAt);
  const lease = changedLease(row.lease, change.lease, revision, now);
  const expiresAt = changedExpiry(row, change, lifeMs, lease, now);
  const claimBy = deadline(row.claimBy, change.claimInMs, now);
  const runUntil = deadline(row.runUntil, change.runInMs, now);
  return {
    ...row,
    ...(set.outcome === undefined ? {} : { outcome: set.outcome }),
    revision,
    ring: quiet ? row.ring : [...row.ring, { writeId: write.writeId, revision }].slice(-RING_SIZE),
    status: set.status ?? row.status,
    statusMessage: set.statusMessage === undefined ? row.statusMessage : set.statusMessage,
    pollIntervalMs: set.pollIntervalMs ?? row.pollIntervalMs,
    inputs: set.inputs === undefined ? row.inputs : set.inputs,
    inputsId: set.inputs === undefined ? row.inputsId : write.writeId,
    metadata: set.metadata === undefined ? row.metadata : set.metadata,
    attempts: Math.max(0, row.attempts + (change.attempts ?? 0)),
    cancelRequestedAt: change.cancelRequested === undefined ? row.cancelRequestedAt : (row.cancelRequestedAt ?? now),
    lastUpdatedAt,
    ttlMs: lifeMs === null ? null : ageMs + lifeMs,
    lease,
    expiresAt,
    claimBy,
    runUntil,
    dueAt: earliest([
      row.dueAt,
      expiresAt === row.expiresAt ? null : expiresAt,
      lease === null || lease.expiresAt === row.lease?.expiresAt ? null : lease.expiresAt,
      claimBy === row.claimBy ? null : claimBy,
      runUntil === row.runUntil ? null : runUntil,
    ]),
  };
}

function changedLease(
  lease: LeaseRecord | null,
  change: Change["lease"],
  revision: number,
  now: number,
): LeaseRecord | null {
  if (change === undefined) return lease;
  if (change === null) return null;
  if ("take" in change) return { token: revision, holder: change.take, expiresAt: now + change.forMs };
  return lease === null ? null : { ...lease, expiresAt: Math.max(lease.expiresAt, now + change.extendMs) };
}

/** A lease holds its task beyond the ttl; nothing shortens the life of a leased task. */
function changedExpiry(
  row: TaskRecord,
  change: Change,
  lifeMs: number | null,
  lease: LeaseRecord | null,
  now: number,
): number | null {
  let { expiresAt } = row;
  if (change.ttl === "restart") {
    // A leased task that never expired does not begin to: its end or release starts the ttl anyway.
    const stays = lifeMs === null || (lease !== null && row.expiresAt === null);
    expiresAt = stays ? null : now + lifeMs;
    if (expiresAt !== null && lease !== null) expiresAt = Math.max(expiresAt, row.expiresAt ?? 0, lease.expiresAt);
  }
  if (expiresAt === null || lease === null || change.lease === undefined || change.lease === null) return expiresAt;
  return Math.max(expiresAt, lease.expiresAt + change.lease.graceMs);
}

function deadline(before: number | null, inMs: number | null | undefined, now: number): number | null {
  if (inMs === undefined) return before;
  return inMs === null ? null : now + inMs;
}

function earliest(instants: readonly (number | null)[]): number | null {
  let found: number | null = null;
  for (const instant of instants) if (instant !== null && (found === null || instant < found)) found = instant;
  return found;
}

/** What maintenance does with a row whose dueAt has come: the meaning of a driver's `due`. */
export type Look = { readonly kind: "purge" } | { readonly kind: "work" | "later"; readonly dueAt: number | null };

/**
 * An expired row is deleted. Where a lease, claim or run is over there is work, and the row is hidden from other
 * processes for `holdMs`, or until its next instant if that comes first. Else it is due again at the earliest instant ahead.
 */
export function afterLook(row: TaskRecord, nowUs: number, holdMs: number): Look {
  if (!isVisible(row, nowUs)) return { kind: "purge" };
  const now = toMs(nowUs);
  const deadlines = [row.lease?.expiresAt ?? null, row.claimBy, row.runUntil];
  const ahead = earliest([row.expiresAt, ...deadlines].filter((instant) => instant !== null && instant > now));
  if (deadlines.every((instant) => instant === null || instant > now)) return { kind: "later", dueAt: ahead };
  return { kind: "work", dueAt: earliest([now + holdMs, ahead]) };
}
