/** Random tasks, writes and inserts, dense where guards and clocks meet: to be planted behind a driver's back. */
import type { Alternative, Change, FieldChanges, Guards, Insert, TaskRecord, Write } from "@mcp-task-store/core";
import type { SeededRandom } from "../seeded-random.ts";
import { plain } from "./sample-tasks.ts";

const STATUSES = ["working", "working", "input_required", "completed", "failed", "cancelled"] as const;
/** What breaks naive encodings: escapes, NUL as JSON, key order, quotes, braces, nothing at all. */
const TEXTS = [
  '{"b":1,"a":"\\u0000"}',
  '{"q":"\\"{}\\\\,"}',
  "{}",
  "null",
  "",
  '{"ü":"😀"}',
  "a,b",
  "NULL",
  '{"n":1.10e2}',
] as const;
const SCOPES = [null, "alice", "bob"] as const;

function id(random: SeededRandom, kind: string): string {
  return `${kind}-${random.id()}`;
}

/** An instant around the server's clock: some pass while the test runs, some long did, some never will. */
function instant(random: SeededRandom, nowMs: number): number {
  return nowMs + random.pick([-86_400_000, -50, -1, 0, 1, 3, 5, 8, 20, 60_000, 86_400_000]) + random.below(3);
}

export function randomRecord(random: SeededRandom, nowMs: number): TaskRecord {
  const maybe = (probability: number): number | null => (random.chance(probability) ? instant(random, nowMs) : null);
  const createdAt = nowMs - random.below(100_000);
  return {
    ...plain(),
    taskId: id(random, "task"),
    scope: random.pick(SCOPES),
    generation: random.pick([null, "2025-11-25", "2026-07-28"]),
    createId: id(random, "create"),
    // Now and then ahead of the clock, as after a clock that was set back.
    revision: nowMs * 1000 + random.pick([-100_000_000, -5_000, 100_000_000]),
    ring: Array.from({ length: random.below(9) }, (_, index) => ({
      writeId: id(random, "write"),
      revision: 1000 + index,
    })),
    inputsId: random.pick([null, "inputs-1", "inputs-2"]),
    status: random.pick(STATUSES),
    statusMessage: random.pick([null, ...TEXTS]),
    createdAt,
    lastUpdatedAt: random.pick([createdAt, nowMs + 60_000]),
    ttlMs: random.pick([null, 1, 1000, 3_153_600_000_000]),
    pollIntervalMs: random.pick([1, 500]),
    expiresAt: random.chance(0.7) ? nowMs + random.pick([86_400_000, 60_000, 2, 4, 9, -5]) : null,
    claimBy: maybe(0.4),
    runUntil: maybe(0.4),
    attempts: random.below(4),
    cancelRequestedAt: random.pick([null, null, nowMs - 7]),
    inputs: random.pick([null, ...TEXTS]),
    metadata: random.pick([null, ...TEXTS]),
    lease: random.chance(0.6)
      ? { token: random.pick([7, 8]), holder: random.pick(["w1", 'w"{2}']), expiresAt: instant(random, nowMs) }
      : null,
    dueAt: maybe(0.7),
    request: random.pick([null, ...TEXTS]),
    outcome: random.pick([null, ...TEXTS]),
  };
}

export function randomWrite(random: SeededRandom, row: TaskRecord, nowMs: number): Write {
  const replayed = row.ring[random.below(8)];
  return {
    taskId: row.taskId,
    ...(random.chance(0.4) ? {} : { scope: random.chance(0.85) ? row.scope : random.pick(SCOPES) }),
    writeId: replayed !== undefined && random.chance(0.15) ? replayed.writeId : id(random, "write"),
    notAfterUs: nowMs * 1000 + (random.chance(0.85) ? 60_000_000 : random.pick([-1, 0, 1_000, 3_000, 6_000])),
    ...(random.chance(0.2) ? { quiet: true } : {}),
    // The oldest revision of a planted ring is 1000.
    ...(random.chance(0.3) ? { sinceRevision: random.pick([0, 999, 1000, nowMs * 1000]) } : {}),
    ...(random.chance(0.2) ? { createId: random.chance(0.7) ? row.createId : id(random, "create") } : {}),
    ...(random.chance(0.2)
      ? { bornByUs: random.pick([0, row.createdAt * 1000 + 1, row.createdAt * 1000, nowMs * 1000]) }
      : {}),
    alternatives: Array.from({ length: random.below(5) }, (): Alternative => ({
      when: randomGuards(random, row),
      then: randomChange(random),
    })),
  };
}

function randomGuards(random: SeededRandom, row: TaskRecord): Guards {
  const some = (): boolean => random.chance(0.2);
  const lease = random.pick<NonNullable<Guards["lease"]>>([
    "none",
    "live",
    { token: random.pick([7, 8]) },
    { lapsed: random.pick([7, 8]) },
  ]);
  return {
    ...(some() ? { open: true } : {}),
    ...(some() ? { status: random.pick(["working", "input_required"]) } : {}),
    ...(random.chance(0.4) ? { lease } : {}),
    ...(some() ? { expectedInputs: random.pick([row.inputsId, null, "inputs-1"]) } : {}),
    ...(some() ? { generation: random.pick(["2025-11-25", "2026-07-28"]) } : {}),
    ...(some() ? { cancelRequested: random.chance(0.5) } : {}),
    ...(some() ? { attemptsBelow: random.below(5) } : {}),
    ...(some() ? { claimOver: true } : {}),
    ...(some() ? { runOver: true } : {}),
  };
}

function randomChange(random: SeededRandom): Change {
  const some = (): boolean => random.chance(0.4);
  const durationMs = (): number => random.pick([1, 4, 1000, 90_000_000]);
  const graceMs = random.pick([0, 30_000]);
  const lease = random.pick<NonNullable<Change["lease"]> | null>([
    null,
    { take: random.pick(["w3", "", "it's {4}"]), forMs: durationMs(), graceMs },
    { extendMs: durationMs(), graceMs },
  ]);
  return {
    ...(some() ? { set: randomFields(random) } : {}),
    ...(some() ? { ttl: "restart" } : {}),
    ...(some() ? { lease } : {}),
    ...(some() ? { claimInMs: random.pick([null, durationMs()]) } : {}),
    ...(some() ? { runInMs: random.pick([null, durationMs()]) } : {}),
    ...(some() ? { attempts: random.pick([1, -1]) } : {}),
    ...(some() ? { cancelRequested: "now" } : {}),
  };
}

function randomFields(random: SeededRandom): FieldChanges {
  const some = (): boolean => random.chance(0.5);
  const text = (): string | null => random.pick([null, ...TEXTS]);
  return {
    ...(some() ? { status: random.pick(STATUSES) } : {}),
    ...(some() ? { statusMessage: text() } : {}),
    ...(some() ? { pollIntervalMs: random.below(1000) } : {}),
    ...(some() ? { ttlMs: random.pick([null, 1, 5_000]) } : {}),
    ...(some() ? { inputs: text() } : {}),
    ...(some() ? { metadata: text() } : {}),
    ...(some() ? { outcome: text() } : {}),
  };
}

export function randomInsert(random: SeededRandom, taskId: string, nowMs: number): Insert {
  return {
    taskId,
    createId: id(random, "create"),
    scope: random.pick(SCOPES),
    generation: random.pick([null, "2025-11-25", "2026-07-28"]),
    statusMessage: random.pick([null, ...TEXTS]),
    ttlMs: random.pick([null, 1, 1000, 3_153_600_000_000]),
    pollIntervalMs: random.pick([1, 500]),
    claimInMs: random.pick([10, 300_000]),
    metadata: random.pick([null, ...TEXTS]),
    request: random.pick([null, ...TEXTS]),
    notAfterUs: nowMs * 1000 + 60_000_000,
  };
}
