import type { Alternative, Change, FieldChanges, Guards, TaskRecord, TaskStatus, Write } from "@mcp-task-store/core";
import type { SeededRandom } from "../seeded-random.ts";
import { GENERATIONS, HOLDERS, PAYLOADS, SCOPES, STATUSES, TEXTS } from "./values.ts";

/** What a random write may lean on, so that guards hold about as often as they fail. */
export interface WriteSubject {
  readonly taskId: string;
  /** The row as the model has it; undefined: there is none. */
  readonly row: TaskRecord | undefined;
  /** The last clock reading of the driver, epoch µs. */
  readonly nowUs: number;
  /** Write ids of earlier writes to any row. */
  readonly usedWriteIds: readonly string[];
}

/** Any write of the language: the driver knows no task rule, so neither does this. */
export function randomWrite(random: SeededRandom, subject: WriteSubject): Write {
  const alternatives = Array.from({ length: 1 + random.below(3) }, () => randomAlternative(random, subject.row));
  return {
    taskId: subject.taskId,
    ...randomScope(random, subject.row),
    writeId: randomWriteId(random, subject),
    notAfterUs: subject.nowUs + (random.chance(0.06) ? random.below(4000) - 2000 : 60_000_000),
    ...(random.chance(0.15) ? { sinceRevision: randomSinceRevision(random, subject) } : {}),
    ...(random.chance(0.1) ? { createId: randomCreateId(random, subject) } : {}),
    ...(random.chance(0.1) ? { bornByUs: randomBornByUs(random, subject) } : {}),
    ...(random.chance(0.2) ? { quiet: random.chance(0.8) } : {}),
    alternatives,
  };
}

/** Absent, the row's own, or any: the key is left out, not undefined. */
export function randomScope(random: SeededRandom, row: TaskRecord | undefined): { readonly scope?: string | null } {
  if (random.chance(0.5)) return {};
  return { scope: row !== undefined && random.chance(0.7) ? row.scope : random.pick(SCOPES) };
}

/** Short enough to run out during the comparison, or long enough to last through it. */
export function randomDuration(random: SeededRandom): number {
  return random.pick([1, 2, 5, 10, 20, 40, 80, 1_000, 60_000, 3_600_000, 1_000_000_000_000]);
}

function randomWriteId(random: SeededRandom, { row, usedWriteIds }: WriteSubject): string {
  if (row !== undefined && row.ring.length > 0 && random.chance(0.08)) return random.pick(row.ring).writeId;
  if (usedWriteIds.length > 0 && random.chance(0.05)) return random.pick(usedWriteIds);
  return random.id();
}

/** Around the oldest revision that the ring still has, which decides. */
function randomSinceRevision(random: SeededRandom, { row, nowUs }: WriteSubject): number {
  return (random.chance(0.2) ? nowUs : (row?.ring[0]?.revision ?? nowUs)) + random.pick([-1, 0, 1]);
}

/** Mostly the row's own, else one that no row has, or that one had before. */
function randomCreateId(random: SeededRandom, { row }: WriteSubject): string {
  return row !== undefined && random.chance(0.7) ? row.createId : random.id();
}

/** Around the ms of the row's creation, which decides. */
function randomBornByUs(random: SeededRandom, { row, nowUs }: WriteSubject): number {
  return (row === undefined || random.chance(0.2) ? nowUs : row.createdAt * 1000) + random.pick([-1000, -1, 0, 1, 999]);
}

function randomAlternative(random: SeededRandom, row: TaskRecord | undefined): Alternative {
  return { when: randomGuards(random, row), then: randomChange(random, row) };
}

type GuardMaker = (random: SeededRandom, row: TaskRecord | undefined) => Guards;

const GUARD_MAKERS: readonly GuardMaker[] = [
  () => ({ open: true }),
  (random, row) => ({
    status:
      (row?.status === "working" || row?.status === "input_required") && random.chance(0.6)
        ? row.status
        : random.pick(["working", "input_required"]),
  }),
  (random, row) => ({ lease: randomLeaseGuard(random, row) }),
  (random, row) => ({
    expectedInputs: random.chance(0.6) ? (row?.inputsId ?? null) : random.pick([null, "", random.id()]),
  }),
  (random, row) => ({
    generation: random.chance(0.5) ? (row?.generation ?? GENERATIONS[0]) : random.pick(GENERATIONS),
  }),
  (random) => ({ cancelRequested: random.chance(0.5) }),
  (random, row) => ({ attemptsBelow: Math.max(0, (row?.attempts ?? 0) + random.below(4) - 1) }),
  () => ({ claimOver: true }),
  () => ({ runOver: true }),
];

function randomGuards(random: SeededRandom, row: TaskRecord | undefined): Guards {
  const count = random.pick([0, 1, 1, 1, 2, 2, 3, 5]);
  return Object.assign(
    {},
    ...random
      .shuffled(GUARD_MAKERS)
      .slice(0, count)
      .map((make) => make(random, row)),
  );
}

function randomLeaseGuard(random: SeededRandom, row: TaskRecord | undefined): NonNullable<Guards["lease"]> {
  const held = row?.lease?.token ?? row?.revision ?? 1;
  const token = held + (random.chance(0.75) ? 0 : random.pick([-1, 1]));
  return random.pick<NonNullable<Guards["lease"]>>(["none", "live", { token }, { lapsed: token }]);
}

function randomChange(random: SeededRandom, row: TaskRecord | undefined): Change {
  const set = randomFieldChanges(random, row);
  const maybe = (share: number, change: () => Change): Change => (random.chance(share) ? change() : {});
  return {
    ...(Object.keys(set).length > 0 || random.chance(0.1) ? { set } : {}),
    ...maybe(0.3, () => ({ ttl: "restart" })),
    ...maybe(0.4, () => ({ lease: randomLeaseChange(random) })),
    ...maybe(0.25, () => ({ claimInMs: random.chance(0.3) ? null : randomDuration(random) })),
    ...maybe(0.25, () => ({ runInMs: random.chance(0.3) ? null : randomDuration(random) })),
    ...maybe(0.25, () => ({ attempts: random.pick<1 | -1>([1, 1, -1]) })),
    ...maybe(0.15, () => ({ cancelRequested: "now" })),
  };
}

function randomLeaseChange(random: SeededRandom): NonNullable<Change["lease"]> | null {
  const graceMs = random.pick([0, 1, 10, 30_000]);
  const kind = random.below(5);
  if (kind < 2) return { take: random.pick(HOLDERS), forMs: randomDuration(random), graceMs };
  return kind < 4 ? { extendMs: randomDuration(random), graceMs } : null;
}

function randomFieldChanges(random: SeededRandom, row: TaskRecord | undefined): FieldChanges {
  const maybe = (change: () => FieldChanges): FieldChanges => (random.chance(0.25) ? change() : {});
  const payload = (): string | null => (random.chance(0.2) ? null : random.pick(PAYLOADS));
  // Mostly open, or nothing but refusals would follow.
  const status = (): TaskStatus =>
    random.chance(0.7) ? random.pick(["working", "input_required"]) : random.pick(STATUSES);
  return {
    ...maybe(() => ({ status: row === undefined || random.chance(0.9) ? status() : row.status })),
    ...maybe(() => ({ statusMessage: random.chance(0.3) ? null : random.pick(TEXTS) })),
    ...maybe(() => ({ pollIntervalMs: 1 + random.below(86_400_000) })),
    ...maybe(() => ({ ttlMs: random.chance(0.2) ? null : randomDuration(random) })),
    ...maybe(() => ({ inputs: payload() })),
    ...maybe(() => ({ metadata: payload() })),
    ...maybe(() => ({ outcome: payload() })),
  };
}
