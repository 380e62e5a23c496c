/**
 * What each call of a driver must answer, given the rows as they were and the clock reading that came with the answer;
 * and the rows afterwards. Says what is wrong as text, so that the caller only has to show it.
 */
import type {
  DueAnswer,
  Insert,
  InsertAnswer,
  PageQuery,
  ReadAnswer,
  TaskDriver,
  TaskRecord,
  Write,
  WriteAnswer,
} from "@mcp-task-store/core";
import { afterLook, apply, born, isVisible, toMs } from "@mcp-task-store/core/transitions";
import { recordDifferences, withoutPayloads } from "./differences.ts";
import { listed } from "./listing.ts";

/** The rows as the reference has them. Expired ones stay until something deletes them. */
export type ModelRows = Map<string, TaskRecord>;

/** Lines that say what is wrong; none: all is as it must be. */
export type Complaints = readonly string[];

export function checkInsert(rows: ModelRows, insert: Insert, answer: InsertAnswer): Complaints {
  const { nowUs } = answer;
  const present = rows.get(insert.taskId);
  const late = nowUs > insert.notAfterUs;
  if (present !== undefined && isVisible(present, nowUs)) {
    // A row that exists may be named also when the insert was late: both are true.
    const kinds = present.createId === insert.createId ? ["inserted"] : late ? ["exists", "late"] : ["exists"];
    return checkKindAndRow(kinds, answer, present);
  }
  if (late) return checkKindAndRow(["late"], answer, undefined);
  const row = born(insert, nowUs);
  rows.set(insert.taskId, row);
  return checkKindAndRow(["inserted"], answer, row);
}

/** @param laterUs a clock reading after the call, since "gone" comes without one */
export function checkWrite(rows: ModelRows, write: Write, answer: WriteAnswer, laterUs: number): Complaints {
  const expected = apply(rows.get(write.taskId), write, answer.kind === "gone" ? laterUs : answer.nowUs);
  if (expected.kind === "gone") return expected.kind === answer.kind ? [] : [`expected gone, got ${answer.kind}`];
  if (answer.kind === "gone") return [`expected ${expected.kind}, got gone`];
  if (expected.kind === "written") rows.set(write.taskId, expected.row);
  return checkKindAndRow([expected.kind], answer, expected.row);
}

/** @param laterUs a clock reading after the call */
export function checkRemove(
  rows: ModelRows,
  remove: { readonly taskId: string; readonly scope?: string | null; readonly notAfterUs: number },
  answer: "removed" | "gone" | "late",
  earlierUs: number,
  laterUs: number,
): Complaints {
  const row = rows.get(remove.taskId);
  const fits = row !== undefined && (remove.scope === undefined || remove.scope === row.scope);
  const allowed = new Set<string>();
  if (!fits || !isVisible(row, laterUs)) allowed.add("gone");
  if (fits && isVisible(row, earlierUs) && earlierUs <= remove.notAfterUs) allowed.add("removed");
  if (laterUs > remove.notAfterUs) allowed.add("late");
  if (answer === "removed") rows.delete(remove.taskId);
  return allowed.has(answer) ? [] : [`expected ${[...allowed].join(" or ")}, got ${answer}`];
}

export function checkRead(
  rows: ModelRows,
  taskIds: readonly string[],
  loaded: { readonly request?: boolean; readonly outcome?: boolean },
  answer: ReadAnswer,
): Complaints {
  const expected = [...rows.values()].filter((row) => taskIds.includes(row.taskId) && isVisible(row, answer.nowUs));
  const byId = new Map(answer.rows.map((row) => [row.taskId, row]));
  const complaints = sameIds(
    expected,
    answer.rows.toSorted((a, b) => order(expected, a) - order(expected, b)),
  );
  if (complaints.length > 0) return complaints;
  return expected.flatMap((row) => {
    const { request = null, outcome = null } = row;
    const wanted: TaskRecord = {
      ...withoutPayloads(row),
      ...(loaded.request === true ? { request } : {}),
      ...(loaded.outcome === true ? { outcome } : {}),
    };
    const got = byId.get(row.taskId);
    return got === undefined ? [] : recordDifferences(wanted, got);
  });
}

export function checkPage(rows: ModelRows, query: PageQuery, answer: ReadAnswer): Complaints {
  const expected = listed([...rows.values()], query, answer.nowUs);
  const complaints = sameIds(expected, answer.rows);
  if (complaints.length > 0) return complaints;
  return expected.flatMap((row, at) => {
    const got = answer.rows[at];
    return got === undefined ? [] : recordDifferences(withoutPayloads(row), got);
  });
}

/** What is wrong about a look, and rows that may be this or unchanged: reading them tells which. */
export interface DueCheck {
  readonly complaints: Complaints;
  readonly undecided: readonly TaskRecord[];
}

/**
 * Takes over what a look did. Whether rows that were neither returned nor purged got the right `dueAt` shows when they
 * are read again. Among rows due at the same instant the driver may choose where to stop.
 */
export function checkDue(rows: ModelRows, limit: number, holdMs: number, answer: DueAnswer): DueCheck {
  const { nowUs } = answer;
  const due = [...rows.values()]
    .flatMap((row) => (row.dueAt !== null && row.dueAt <= toMs(nowUs) ? [{ row, dueAt: row.dueAt }] : []))
    .toSorted((a, b) => a.dueAt - b.dueAt);
  const named = new Set([...answer.rows.map(({ taskId }) => taskId), ...answer.purged]);
  const lastDueAt = due[Math.min(limit, due.length) - 1]?.dueAt ?? Number.NEGATIVE_INFINITY;
  const complaints: string[] = [];
  const undecided: TaskRecord[] = [];
  for (const { row, dueAt } of due) {
    const look = afterLook(row, nowUs, holdMs);
    const isNamed = named.has(row.taskId);
    if (dueAt > lastDueAt) {
      if (isNamed) complaints.push(`${row.taskId} (due ${dueAt}) was looked at before one due ${lastDueAt}`);
    } else if (isNamed) {
      complaints.push(...takeOverLook(rows, row, look, answer));
    } else if (due.length > limit && dueAt === lastDueAt) {
      if (look.kind === "later") undecided.push({ ...row, dueAt: look.dueAt });
    } else if (look.kind === "later") {
      rows.set(row.taskId, { ...row, dueAt: look.dueAt });
    } else {
      complaints.push(`${row.taskId} (${look.kind}, due ${dueAt}) was left out`);
    }
  }
  for (const taskId of named) {
    if (!due.some(({ row }) => row.taskId === taskId)) complaints.push(`${taskId} was not due`);
  }
  if (named.size > limit) complaints.push(`${named.size} rows with a limit of ${limit}`);
  if (due.length > limit && !answer.more)
    complaints.push(`more is false with ${due.length} due and a limit of ${limit}`);
  if (due.length < limit && answer.more) complaints.push(`more is true with ${due.length} due and a limit of ${limit}`);
  return { complaints, undecided };
}

/** More than there are rows. */
const ALL = 1_000;

/**
 * Takes over what the driver chose, where it had a choice. Of a row that has expired meanwhile nothing tells that any
 * more; a look at everything that is due takes it away, whatever was chosen.
 */
export async function decide(driver: TaskDriver, rows: ModelRows, { undecided }: DueCheck): Promise<Complaints> {
  if (undecided.length === 0) return [];
  const { rows: read } = await driver.read(undecided.map(({ taskId }) => taskId));
  for (const row of undecided) {
    if (read.some(({ taskId, dueAt }) => taskId === row.taskId && dueAt === row.dueAt)) rows.set(row.taskId, row);
  }
  if (read.length === undecided.length) return [];
  return checkDue(rows, ALL, 1, await driver.due(ALL, 1)).complaints;
}

function takeOverLook(
  rows: ModelRows,
  row: TaskRecord,
  look: ReturnType<typeof afterLook>,
  answer: DueAnswer,
): Complaints {
  const returned = answer.rows.find(({ taskId }) => taskId === row.taskId);
  if (look.kind === "purge") {
    rows.delete(row.taskId);
    return returned === undefined ? [] : [`${row.taskId} has expired but was returned`];
  }
  if (look.kind === "later") return [`${row.taskId} needs nothing but was returned or purged`];
  const next: TaskRecord = { ...row, dueAt: look.dueAt };
  rows.set(row.taskId, next);
  if (returned === undefined) return [`${row.taskId} lives but was purged`];
  return recordDifferences(withoutPayloads(next), returned).map((line) => `${row.taskId}: ${line}`);
}

function checkKindAndRow(
  kinds: readonly string[],
  answer: { readonly kind: string; readonly row?: TaskRecord },
  row: TaskRecord | undefined,
): Complaints {
  if (!kinds.includes(answer.kind)) return [`expected ${kinds.join(" or ")}, got ${answer.kind}`];
  if (answer.row === undefined) return answer.kind === "late" ? [] : ["the answer has no row"];
  return row === undefined ? ["the answer has a row"] : recordDifferences(withoutPayloads(row), answer.row);
}

function sameIds(expected: readonly TaskRecord[], actual: readonly TaskRecord[]): Complaints {
  const [want, got] = [expected, actual].map((rows) => JSON.stringify(rows.map(({ taskId }) => taskId)));
  return want === got ? [] : [`expected the rows ${want}, got ${got}`];
}

function order(rows: readonly TaskRecord[], { taskId }: TaskRecord): number {
  return rows.findIndex((row) => row.taskId === taskId);
}
