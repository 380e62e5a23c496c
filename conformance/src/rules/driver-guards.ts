import type { Alternative, TaskDriver, TaskRecord, WriteAnswer } from "@mcp-task-store/core";
import { comparedBy } from "../driver-model/compared-by.ts";
import { compareWithApply } from "../driver-model/compare-with-apply.ts";
import { freshId, insertOf, rowOf, writeOf } from "../driver-model/driver-calls.ts";
import { drains, drainTime } from "../driver-model/drains.ts";
import { checkTable } from "../driver-model/guard-table.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, which } from "../wants.ts";

const HOUR_MS = 3_600_000;
const ROUNDS = 4;
const RACERS = 16;

interface Race {
  readonly about: string;
  readonly answers: readonly WriteAnswer[];
  readonly after: TaskRecord | undefined;
}

/** What sixteen writes at once may expect, of which only the first can find it. */
const CONTESTED: Readonly<Record<string, (asked: string, n: number) => Alternative>> = {
  "the same expectedInputs": (asked, n) => ({
    when: { expectedInputs: asked },
    then: { set: { inputs: `{"n":${n}}` } },
  }),
  "no lease": (_asked, n) => ({
    when: { lease: "none" },
    then: { lease: { take: `worker ${n}`, forMs: HOUR_MS, graceMs: 0 } },
  }),
  "an open task": (_asked, n) => ({
    when: { open: true },
    then: { set: { status: "completed", outcome: `{"n":${n}}` } },
  }),
};

async function race(about: string, drivers: readonly [TaskDriver, TaskDriver]): Promise<Race> {
  const [left, right] = drivers;
  const taskId = freshId();
  const asked = freshId();
  await left.insert(insertOf(taskId));
  await left.write(writeOf(taskId, { when: {}, then: { set: { inputs: "{}" } } }, { writeId: asked }));
  const answers = await Promise.all(
    Array.from({ length: RACERS }, (_, n) => {
      const contender = CONTESTED[about]?.(asked, n) ?? { when: {}, then: {} };
      return (n % 2 === 0 ? left : right).write(writeOf(taskId, contender));
    }),
  );
  return { about, answers, after: (await rowOf(right, taskId)).row };
}

export const guards: Rule = defineRule({
  id: "driver/guards",
  title: "Guards decide in the step that writes, and every write means what the reference says",
  level: "promise",
  source: ["P1", "P2", "P8"],
  needs: ["driver"],
  mutants: [
    "guard-open-skipped",
    "guard-status-skipped",
    "guard-lease-skipped",
    "guard-expectedInputs-skipped",
    "guard-generation-skipped",
    "guard-cancelRequested-skipped",
    "guard-attemptsBelow-skipped",
    "guard-claimOver-skipped",
    "guard-runOver-skipped",
    "guard-scope-skipped",
    "guard-visible-skipped",
    "expected-by-revision",
    "write-nulls",
    "second-alternative",
    "late-attempt",
    "write-twice",
    "ring-cannot-tell-ignored",
    "another-row-ignored",
    "born-later-ignored",
    "quiet-is-loud",
    "refusal-read-again",
  ],
  isolated: true,
  async act(kit) {
    const [left, right] = [await kit.driver(), await kit.driver()];
    // First: it compares listings, and other rows would stand in them.
    const random = await comparedBy(kit, compareWithApply, left);
    const table = await checkTable(left, kit.advance);
    const races: Race[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const about of Object.keys(CONTESTED)) races.push(await race(about, [left, right]));
    }
    return { random, table, races };
  },
  judge(expect, { random, table, races }) {
    expect(
      `send ${table.writes} writes, one for each guard, condition and change on rows in every state`,
      table.complaints[0],
      equalTo(undefined),
    );
    expect("send random inserts, writes, reads, pages, removals and looks", random, equalTo(undefined));
    for (const { about, answers, after } of races) {
      const did = `send sixteen writes at once over two handles that all expect ${about}`;
      const written = answers.filter(({ kind }) => kind === "written");
      expect(did, answers.map(({ kind }) => kind).toSorted(), equalTo(ONE_OF_SIXTEEN));
      const [winner] = written;
      const revision = winner !== undefined && winner.kind !== "gone" ? winner.row.revision : 0;
      expect(
        `${did}, then read`,
        after,
        which("the row as the one that was written left it", (row) => row?.revision === revision),
      );
    }
  },
});

const ONE_OF_SIXTEEN: readonly string[] = [...Array.from({ length: RACERS - 1 }, () => "refused"), "written"];

export const noLateWrite: Rule = defineRule({
  id: "driver/no-late-write",
  title: "A write that waited is judged by the clock at its commit",
  level: "promise",
  source: ["P6", "P7", "P8"],
  needs: ["driver"],
  mutants: ["guard-before-lock"],
  isolated: true,
  async act(kit) {
    const [driver, reader] = [await kit.driver(), await kit.driver()];
    const writes = kit.timing.callMs.p50 > 10 ? 25 : 100;
    const drainMs = await drainTime(driver, writes);
    return { writes, seen: await drains(driver, reader, writes, drainMs, kit.advance) };
  },
  judge(expect, { writes, seen }) {
    for (const { deadline, at, overUs, answer, moved } of seen) {
      const did = `queue ${writes} writes to a task and one that would move ${deadline}, which passes meanwhile`;
      const readingMs = answer.kind === "written" ? Math.floor(answer.nowUs / 1_000) : undefined;
      expect(
        `${did}: the clock reading of a write that was let through`,
        readingMs,
        which(`before ${at}, or no write`, (reading) => reading === undefined || reading < at),
      );
      expect(
        `${did}: once a read at ${overUs} µs had shown it as over, whether it lay ahead again`,
        moved,
        equalTo(false),
      );
    }
  },
});
