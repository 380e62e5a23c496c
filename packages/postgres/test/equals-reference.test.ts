import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import type { Insert, TaskRecord, Write, WriteAnswer } from "@mcp-task-store/core";
import { afterLook, apply, born, isVisible } from "@mcp-task-store/core/transitions";
import { Random, randomInsert, randomRecord, randomWrite } from "./random-writes.ts";
import { shown } from "./sample-tasks.ts";
import { SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";

/** `DRIVER_SEED=7 vitest run equals-reference` repeats one comparison. */
const seed = Number(process.env["DRIVER_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const LANES = 4;
const WRITES = 4_400;

describe.skipIf(postgresIsLeftOut())(`the statements equal transitions.ts (DRIVER_SEED=${seed})`, () => {
  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());
  // One seed makes the same ids in each test.
  beforeEach(async () => {
    await database.sql(`truncate ${SCHEMA}.tasks`);
  });

  it(`write equals apply over ${WRITES} random writes`, { timeout: 180_000 }, async () => {
    const seen = { written: 0, replayed: 0, quiet: 0, refused: 0, late: 0, gone: 0 };
    await inLanes(WRITES, async (random) => {
      const { nowUs: beforeUs } = await database.driver.read([]);
      const row = randomRecord(random, Math.floor(beforeUs / 1000));
      const write = randomWrite(random, row, Math.floor(beforeUs / 1000));
      await database.plant(row);
      const answer = await database.driver.write(write);
      const stored = await database.stored(row.taskId);
      if (answer.kind === "gone") {
        // The answer of one that is gone carries no clock: it was read between these two.
        const { nowUs: afterUs } = await database.driver.read([]);
        expect([apply(row, write, beforeUs).kind, apply(row, write, afterUs).kind]).toContain("gone");
        expect(stored).toEqual(row);
      } else {
        expect(answer.nowUs).toBeGreaterThanOrEqual(beforeUs);
        const expected = apply(row, write, answer.nowUs);
        expect({ write, row, answer }).toEqual({ write, row, answer: shownAnswer(expected) });
        expect(stored).toEqual(expected.kind === "written" ? expected.row : row);
      }
      count(seen, row, write, answer);
    });
    // The comparison means something only if every kind of answer was compared often.
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(WRITES / 100);
  });

  it("insert equals born, on fresh ids and on expired ones", { timeout: 180_000 }, async () => {
    await inLanes(400, async (random) => {
      const { nowUs } = await database.driver.read([]);
      const now = Math.floor(nowUs / 1000);
      const before = random.chance(0.5)
        ? { ...randomRecord(random, now), expiresAt: now - random.integer(2) }
        : undefined;
      if (before !== undefined) await database.plant(before);
      const insert: Insert = randomInsert(random, before?.taskId ?? random.id("task"), now);
      const answer = await database.driver.insert(insert);
      const expected = born(insert, answer.nowUs);
      expect(answer).toEqual({ kind: "inserted", row: shown(expected), nowUs: answer.nowUs });
      expect(await database.stored(insert.taskId)).toEqual(expected);
    });
  });

  it("due equals afterLook, row by row", { timeout: 180_000 }, async () => {
    const random = new Random(seed);
    for (let round = 0; round < 12; round += 1) {
      const { nowUs: beforeUs } = await database.driver.read([]);
      const rows = Array.from({ length: 40 }, () => randomRecord(random, Math.floor(beforeUs / 1000)));
      await database.plant(...rows);
      const holdMs = random.pick(0, 5_000);
      const { nowUs, rows: work, purged, more } = await database.driver.due(1_000, holdMs);
      expect(more).toBe(false);
      const expectedWork: TaskRecord[] = [];
      const expectedPurged: string[] = [];
      for (const row of rows) {
        const looked = row.dueAt !== null && row.dueAt <= Math.floor(nowUs / 1000);
        const look = looked ? afterLook(row, nowUs, holdMs) : undefined;
        if (look?.kind === "purge") expectedPurged.push(row.taskId);
        if (look?.kind === "work") expectedWork.push(shown({ ...row, dueAt: look.dueAt }));
        const left = look === undefined ? row : look.kind === "purge" ? undefined : { ...row, dueAt: look.dueAt };
        expect(await database.stored(row.taskId)).toEqual(left);
      }
      expect(work.toSorted(byId)).toEqual(expectedWork.toSorted(byId));
      expect(purged.toSorted()).toEqual(expectedPurged.toSorted());
      await database.sql(`truncate ${SCHEMA}.tasks`);
    }
  });
});

/** Runs `each` `times` times, a few at once; each lane has its own stream, so that a seed repeats every row. */
async function inLanes(times: number, each: (random: Random) => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      const random = new Random(seed + lane);
      for (let done = 0; done < times / LANES; done += 1) await each(random);
    }),
  );
}

function byId(a: TaskRecord, b: TaskRecord): number {
  return a.taskId < b.taskId ? -1 : 1;
}

function shownAnswer(answer: WriteAnswer): WriteAnswer {
  return answer.kind === "gone" ? answer : { ...answer, row: shown(answer.row) };
}

function count(
  seen: Record<"written" | "replayed" | "quiet" | "refused" | "late" | "gone", number>,
  row: TaskRecord,
  write: Write,
  answer: WriteAnswer,
): void {
  if (answer.kind === "gone") seen.gone += 1;
  else if (row.ring.some(({ writeId }) => writeId === write.writeId)) seen.replayed += 1;
  else if (answer.kind === "written") seen[write.quiet === true ? "quiet" : "written"] += 1;
  else if (isVisible(row, answer.nowUs) && answer.nowUs > write.notAfterUs) seen.late += 1;
  else seen.refused += 1;
}
