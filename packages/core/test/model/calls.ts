/** What two processes and two principals may ask of the stores, as data that fast-check makes and shrinks. */
import * as fc from "fast-check";
import type { Generation, InputRequest, JsonObject, TaskOutcome, TaskStatus } from "../../src/index.ts";

/** Which process calls. */
export type Handle = 0 | 1;

/** The root view, the view of one of two principals, or the one without identity. */
export type Caller = "root" | "p1" | "p2" | "nobody";

/** Which token a worker shows. "force" and "none" show none. */
export type Authority = "none" | "force" | "live" | "old";

/** The n-th of the tasks made so far, or one that never was. */
export type TaskChoice = number;

export type Call = { readonly handle: Handle } & (
  | {
      readonly type: "create";
      readonly caller: Caller;
      readonly ttlMs: number | null;
      readonly generation: Generation | null;
      readonly idempotencyKey: string | null;
      readonly chosenId: string | null;
    }
  | { readonly type: "report"; readonly task: TaskChoice; readonly by: Authority; readonly change: ReportedChange }
  | {
      readonly type: "finish";
      readonly task: TaskChoice;
      readonly by: Authority;
      readonly ending: number;
      readonly statusMessage: string | null;
    }
  | {
      readonly type: "ask";
      readonly task: TaskChoice;
      readonly by: Authority;
      readonly inputs: Readonly<Record<string, InputRequest>>;
    }
  | { readonly type: "acquire"; readonly task: TaskChoice; readonly leaseMs: number; readonly maxRunMs: number | null }
  | { readonly type: "renew" | "release"; readonly task: TaskChoice; readonly old: boolean }
  | {
      readonly type: "answer";
      readonly caller: Caller;
      readonly task: TaskChoice;
      readonly answers: Readonly<Record<string, JsonObject>>;
    }
  | {
      readonly type: "cancel";
      readonly caller: Caller;
      readonly task: TaskChoice;
      readonly statusMessage: string | null;
    }
  | { readonly type: "request-cancel"; readonly caller: Caller; readonly task: TaskChoice }
  | { readonly type: "delete" | "get" | "outcome" | "wait"; readonly caller: Caller; readonly task: TaskChoice }
  | {
      readonly type: "list";
      readonly caller: Caller;
      readonly limit: number;
      readonly status: readonly TaskStatus[] | null;
    }
  | { readonly type: "maintain" }
  | { readonly type: "time"; readonly ms: number }
);

/** Calls that are one command of the rules. */
export type CommandCall = Extract<
  Call,
  { type: "report" | "finish" | "ask" | "acquire" | "renew" | "release" | "answer" | "cancel" | "request-cancel" }
>;

/** Calls of the stores, other than waiting. */
export type StoreCall = Exclude<Call, { type: "time" }>;

export interface ReportedChange {
  readonly statusMessage?: string | null;
  readonly metadata?: JsonObject | null;
  readonly pollIntervalMs?: number;
  readonly ttlMs?: number | null;
}

/** Every kind of outcome; those that look like another kind too. */
export const ENDINGS: readonly TaskOutcome[] = [
  { status: "completed", result: { ok: true } },
  { status: "completed", result: { isError: true, content: [] } },
  { status: "completed", result: { error: { code: 1, message: "in a result" } } },
  { status: "failed", error: { code: -32000, message: "boom", data: { result: 1 } } },
  { status: "failed", error: { code: 1, message: "" } },
  { status: "failed", result: { isError: true } },
  { status: "failed", result: { isError: false } },
  { status: "cancelled" },
];

const KEYS = ["k1", "k2", "__proto__"] as const;
const QUESTIONS: readonly InputRequest[] = [
  { method: "elicitation/create", params: { b: 1, a: [] } },
  { method: "elicitation/create", params: { a: [], b: 1 } },
  { method: "sampling/createMessage" },
];

const handle = fc.constantFrom<Handle>(0, 1);
const caller = fc.constantFrom<Caller>("root", "p1", "p1", "p2", "nobody");
/** Mostly the first one, so that a task has a life. */
const task = fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 4);
const by = fc.constantFrom<Authority>("none", "none", "live", "live", "old", "force");
const askedBy = fc.constantFrom<Authority>("none", "none", "live", "old", "force", "force");
/** Around the durations that the stores are set to, so that much runs out during a sequence. */
const ttlMs = fc.constantFrom(null, 40, 80, 200, 100_000);
const statusMessage = fc.constantFrom(null, "", "half", "e\u0301 \u{1f600}");
const keyed = <Value>(values: readonly Value[]): fc.Arbitrary<Readonly<Record<string, Value>>> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...values)), {
      minLength: 1,
      maxLength: 2,
      selector: ([key]) => key,
    })
    .map((entries) => Object.fromEntries(entries));

const change: fc.Arbitrary<ReportedChange> = fc.record(
  {
    statusMessage,
    metadata: fc.constantFrom(null, { a: 1 }, { "a.b": [null] }),
    pollIntervalMs: fc.constantFrom(1, 900),
    ttlMs,
  },
  { requiredKeys: [] },
);

const KINDS: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Call> }[] = [
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("create" as const),
      handle,
      caller,
      ttlMs,
      generation: fc.constantFrom(null, "2025-11-25" as const, "2026-07-28" as const),
      idempotencyKey: fc.constantFrom(null, null, null, "again"),
      chosenId: fc.constantFrom(null, null, "chosen"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("report" as const), handle, task, by, change }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("finish" as const),
      handle,
      task,
      by,
      ending: fc.nat(ENDINGS.length - 1),
      statusMessage,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("ask" as const), handle, task, by: askedBy, inputs: keyed(QUESTIONS) }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      type: fc.constant("acquire" as const),
      handle,
      task,
      leaseMs: fc.constantFrom(50, 50, 60_000),
      maxRunMs: fc.constantFrom(null, null, 30),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom("renew" as const, "release" as const),
      handle,
      task,
      old: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("answer" as const),
      handle,
      caller,
      task,
      answers: keyed([{ yes: true }, { no: 0 }]),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("cancel" as const), handle, caller, task, statusMessage }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("request-cancel" as const), handle, caller, task }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom("delete" as const, "get" as const, "get" as const, "outcome" as const, "wait" as const),
      handle,
      caller,
      task,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("list" as const),
      handle,
      caller,
      limit: fc.integer({ min: 1, max: 3 }),
      status: fc.constantFrom(null, null, ["working" as const], ["input_required" as const, "failed" as const]),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("maintain" as const), handle }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("time" as const), handle, ms: fc.constantFrom(1, 20, 45, 60) }),
  },
];

/** A sequence of calls. */
export const callSequences: fc.Arbitrary<readonly Call[]> = fc.array(fc.oneof(...KINDS), {
  minLength: 4,
  maxLength: 40,
  size: "max",
});
