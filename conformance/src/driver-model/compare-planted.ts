/**
 * Compares single calls of a driver with the reference on rows that no sequence of calls would give: planted behind the
 * driver's back, called once, and read behind its back again. For drivers over a real server, whose clock nobody moves.
 */
import { isDeepStrictEqual } from "node:util";
import type { TaskDriver, TaskRecord, Write, WriteAnswer } from "@mcp-task-store/core";
import { afterLook, apply, born, isVisible, toMs } from "@mcp-task-store/core/transitions";
import { SeededRandom } from "../seeded-random.ts";
import { randomInsert, randomRecord, randomWrite } from "./planted-rows.ts";
import { shown } from "./sample-tasks.ts";

/** A driver, and ways to look behind its back. */
export interface PlantedDriver {
  readonly driver: TaskDriver;
  /** Stores rows as they are, whatever the rules would say; what is left out is as in \`plain()\`. */
  plant(...records: readonly Partial<TaskRecord>[]): Promise<void>;
  /** The stored row with all its fields, expired or not. */
  stored(taskId: string): Promise<TaskRecord | undefined>;
  /** Removes all rows. */
  clear(): Promise<void>;
}

export interface PlantedOptions {
  /** Repeats the same rows and calls. */
  readonly seed: number;
  readonly times: number;
}

/** Calls under way at a time. */
const LANES = 4;
/** Rows of one look. */
const ROWS = 40;

/** What became of the writes, by name: one that never came was not compared. */
export type WriteCounts = Record<"written" | "replayed" | "quiet" | "refused" | "late" | "gone", number>;

/** @returns how often each answer was met @throws Error with the first difference */
export async function compareWritesWithApply(planted: PlantedDriver, options: PlantedOptions): Promise<WriteCounts> {
  const { driver } = planted;
  const seen: WriteCounts = { written: 0, replayed: 0, quiet: 0, refused: 0, late: 0, gone: 0 };
  await inLanes(options, async (random) => {
    const { nowUs: beforeUs } = await driver.read([]);
    const row = randomRecord(random, toMs(beforeUs));
    const write = randomWrite(random, row, toMs(beforeUs));
    await planted.plant(row);
    const answer = await driver.write(write);
    const stored = await planted.stored(row.taskId);
    const context = { write, row };
    if (answer.kind === "gone") {
      // The answer of one that is gone carries no clock: it was read between these two.
      const { nowUs: afterUs } = await driver.read([]);
      const kinds = [apply(row, write, beforeUs).kind, apply(row, write, afterUs).kind];
      mustEqual(options, context, "a visible row is not gone", kinds.includes("gone"), true);
      mustEqual(options, context, "the stored row", stored, row);
    } else {
      mustEqual(options, context, "the clock goes on", answer.nowUs >= beforeUs, true);
      const expected = apply(row, write, answer.nowUs);
      mustEqual(options, context, "the answer", answer, shownAnswer(expected));
      mustEqual(options, context, "the stored row", stored, expected.kind === "written" ? expected.row : row);
    }
    seen[nameOf(row, write, answer)] += 1;
  });
  return seen;
}

/** @returns how often the id was new, and that of a row that expired @throws Error with the first difference */
export async function compareInsertsWithBorn(
  planted: PlantedDriver,
  options: PlantedOptions,
): Promise<Record<"fresh" | "expired", number>> {
  const { driver } = planted;
  const seen = { fresh: 0, expired: 0 };
  await inLanes(options, async (random) => {
    const now = toMs((await driver.read([])).nowUs);
    const old = random.chance(0.5) ? { ...randomRecord(random, now), expiresAt: now - random.below(2) } : undefined;
    if (old !== undefined) await planted.plant(old);
    const insert = randomInsert(random, old?.taskId ?? `task-${random.id()}`, now);
    const answer = await driver.insert(insert);
    const expected = born(insert, answer.nowUs);
    const context = { insert, old };
    mustEqual(options, context, "the answer", answer, { kind: "inserted", row: shown(expected), nowUs: answer.nowUs });
    mustEqual(options, context, "the stored row", await planted.stored(insert.taskId), expected);
    seen[old === undefined ? "fresh" : "expired"] += 1;
  });
  return seen;
}

/**
 * Looks at many rows at once. Nothing else may be in the driver's namespace.
 * @param options `times`: how many looks
 * @returns how many rows got which look; "none": not due
 * @throws Error with the first difference
 */
export async function compareLooksWithAfterLook(
  planted: PlantedDriver,
  options: PlantedOptions,
): Promise<Record<"purge" | "work" | "later" | "none", number>> {
  const { driver } = planted;
  const seen = { purge: 0, work: 0, later: 0, none: 0 };
  const random = new SeededRandom(options.seed);
  for (let round = 0; round < options.times; round += 1) {
    const now = toMs((await driver.read([])).nowUs);
    const rows = Array.from({ length: ROWS }, () => randomRecord(random, now));
    await planted.plant(...rows);
    const holdMs = random.pick([0, 5_000]);
    const { nowUs, rows: work, purged, more } = await driver.due(1_000, holdMs);
    const context = { holdMs, nowUs };
    mustEqual(options, context, "more", more, false);
    const expectedWork: TaskRecord[] = [];
    const expectedPurged: string[] = [];
    for (const row of rows) {
      const isDue = row.dueAt !== null && row.dueAt <= toMs(nowUs);
      const look = isDue ? afterLook(row, nowUs, holdMs) : undefined;
      if (look?.kind === "purge") expectedPurged.push(row.taskId);
      if (look?.kind === "work") expectedWork.push(shown({ ...row, dueAt: look.dueAt }));
      const left = look === undefined ? row : look.kind === "purge" ? undefined : { ...row, dueAt: look.dueAt };
      mustEqual(options, { ...context, row, look }, "the stored row", await planted.stored(row.taskId), left);
      seen[look?.kind ?? "none"] += 1;
    }
    mustEqual(options, context, "the work", work.toSorted(byId), expectedWork.toSorted(byId));
    mustEqual(options, context, "the purged", purged.toSorted(), expectedPurged.toSorted());
    await planted.clear();
  }
  return seen;
}

/** Runs `each` so many times, a few at once; each lane has its own stream, so that a seed repeats every row. */
async function inLanes({ seed, times }: PlantedOptions, each: (random: SeededRandom) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      const random = new SeededRandom(seed + lane);
      for (let done = 0; done < times / LANES; done += 1) await each(random);
    }),
  );
}

function mustEqual({ seed }: PlantedOptions, context: object, what: string, got: unknown, expected: unknown): void {
  if (isDeepStrictEqual(got, expected)) return;
  const lines = Object.entries(context).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  throw new Error(
    [
      `differs from the reference (seed ${seed}): ${what}`,
      `expected ${JSON.stringify(expected)}`,
      `got      ${JSON.stringify(got)}`,
      ...lines,
    ].join("\n"),
  );
}

function byId(a: TaskRecord, b: TaskRecord): number {
  return a.taskId < b.taskId ? -1 : 1;
}

function shownAnswer(answer: WriteAnswer): WriteAnswer {
  return answer.kind === "gone" ? answer : { ...answer, row: shown(answer.row) };
}

function nameOf(row: TaskRecord, write: Write, answer: WriteAnswer): keyof WriteCounts {
  if (answer.kind === "gone") return "gone";
  if (row.ring.some(({ writeId }) => writeId === write.writeId)) return "replayed";
  if (answer.kind === "written") return write.quiet === true ? "quiet" : "written";
  return isVisible(row, answer.nowUs) && answer.nowUs > write.notAfterUs ? "late" : "refused";
}
