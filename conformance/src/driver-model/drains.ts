/**
 * Writes that wait in a queue while the deadline passes that they lean on. A driver that reads the clock when it is
 * called, and not when it decides, lets them through.
 */
import type { TaskDriver, TaskRecord, Write, WriteAnswer } from "@mcp-task-store/core";
import { toMs } from "@mcp-task-store/core/transitions";
import { freshId, insertOf, reportOf, rowOf, writeOf } from "./driver-calls.ts";

const HOUR_MS = 3_600_000;

/** What a deadline is about, and the write that would move it. */
interface Deadline {
  readonly name: string;
  /** Makes the task with its deadline `ms` ahead. */
  readonly arrange: (driver: TaskDriver, taskId: string, ms: number) => Promise<Write>;
  /** Where it lies, epoch ms. */
  readonly of: (row: TaskRecord) => number | null | undefined;
}

const DEADLINES: readonly Deadline[] = [
  {
    name: "the end of its ttl",
    async arrange(driver, taskId, ms) {
      await driver.insert(insertOf(taskId, { ttlMs: ms }));
      return writeOf(taskId, { when: {}, then: { set: { ttlMs: HOUR_MS }, ttl: "restart" } });
    },
    of: (row) => row.expiresAt,
  },
  {
    name: "the end of its lease",
    async arrange(driver, taskId, ms) {
      await driver.insert(insertOf(taskId));
      const lease = { take: "worker", forMs: ms, graceMs: HOUR_MS };
      const answer = await driver.write(writeOf(taskId, { when: {}, then: { lease } }));
      const token = answer.kind === "gone" ? 1 : (answer.row.lease?.token ?? 1);
      return writeOf(
        taskId,
        { when: { lease: { token } }, then: { lease: { extendMs: HOUR_MS, graceMs: HOUR_MS } } },
        { quiet: true },
      );
    },
    of: (row) => row.lease?.expiresAt,
  },
];

/** A queue of writes in front of one that would move the deadline, and what was seen of it. */
export interface Drain {
  readonly deadline: string;
  /** When it was, epoch ms. */
  readonly at: number;
  /** The first read at or after it, epoch µs. */
  readonly overUs: number | undefined;
  readonly answer: WriteAnswer;
  /** Whether the deadline lay further ahead in a read after that first one. */
  readonly moved: boolean;
}

/** How long so many writes to one row take that are sent at once, ms; the shortest of a few times. */
export async function drainTime(driver: TaskDriver, writes: number): Promise<number> {
  let shortest = Infinity;
  for (let round = 0; round < 3; round += 1) {
    const taskId = freshId();
    await driver.insert(insertOf(taskId));
    const started = performance.now();
    await Promise.all(Array.from({ length: writes }, (_, n) => driver.write(reportOf(taskId, `step ${n}`))));
    shortest = Math.min(shortest, performance.now() - started);
  }
  return shortest;
}

/**
 * Sends a queue of writes and the one that would move the deadline, for deadlines at several points of the time that the
 * queue takes; another handle reads meanwhile.
 */
export async function drains(
  driver: TaskDriver,
  reader: TaskDriver,
  writes: number,
  drainMs: number,
  advance: ((ms: number) => Promise<void>) | undefined,
): Promise<readonly Drain[]> {
  const seen: Drain[] = [];
  for (const deadline of DEADLINES) {
    for (const share of [0.12, 0.25, 0.5, 0.75]) {
      const ms = Math.max(1, Math.round(share * drainMs));
      const sent = drain(driver, reader, deadline, writes, ms);
      await advance?.(ms);
      seen.push(await sent);
    }
  }
  return seen;
}

async function drain(
  driver: TaskDriver,
  reader: TaskDriver,
  { name, arrange, of }: Deadline,
  writes: number,
  ms: number,
): Promise<Drain> {
  const taskId = freshId();
  const move = await arrange(driver, taskId, ms);
  const before = (await rowOf(reader, taskId)).row;
  const at = (before && of(before)) ?? 0;
  const queue = Array.from({ length: writes }, (_, n) => driver.write(reportOf(taskId, `step ${n}`)));
  const answers = Promise.all([...queue, driver.write(move)]);
  let ended = false;
  const mark = (): void => {
    ended = true;
  };
  answers.then(mark, mark);
  let overUs: number | undefined;
  let moved = false;
  // Once more after everything has landed and the deadline has passed.
  for (let last = false; !last && !moved;) {
    last = ended && overUs !== undefined;
    const { row, nowUs } = await rowOf(reader, taskId);
    const ahead = ((row && of(row)) ?? 0) > at;
    // In time: it moved before it was over.
    if (ahead && overUs === undefined) break;
    moved = ahead;
    if (toMs(nowUs) >= at) overUs ??= nowUs;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const answer = (await answers).at(-1) ?? { kind: "gone" };
  return { deadline: name, at, overUs, answer, moved };
}
