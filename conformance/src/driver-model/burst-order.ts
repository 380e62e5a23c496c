import type { Write, WriteAnswer } from "@mcp-task-store/core";
import { checkWrite } from "./expected-answers.ts";
import type { Complaints, ModelRows } from "./expected-answers.ts";

/** A write that was sent together with others, and what became of it. */
export interface Answered {
  readonly write: Write;
  readonly answer: WriteAnswer;
}

/**
 * Looks for an order in which writes sent at once would have got just these answers one after the other, and takes it
 * over. Tried first: the order of the clock readings, in which a driver that reads the clock under the row's lock commits.
 * @returns nothing if there is such an order, else what is wrong with the most likely one
 */
export function checkBurst(rows: ModelRows, burst: readonly Answered[], laterUs: number): Complaints {
  const likely = burst.toSorted((a, b) => reading(a) - reading(b));
  let first: Complaints | undefined;
  for (const order of permutations(likely)) {
    const tried: ModelRows = new Map(rows);
    const complaints = order.flatMap(({ write, answer }) => checkWrite(tried, write, answer, laterUs));
    if (complaints.length === 0) {
      for (const [taskId, row] of tried) rows.set(taskId, row);
      return [];
    }
    first ??= complaints;
  }
  if (first === undefined || burst.length === 1) return first ?? [];
  return [
    `no order of the ${burst.length} writes explains the answers; in the order of their clock readings:`,
    ...first,
  ];
}

function reading({ answer }: Answered): number {
  return answer.kind === "gone" ? Number.POSITIVE_INFINITY : answer.nowUs;
}

function* permutations<Item>(items: readonly Item[]): Generator<readonly Item[], void> {
  if (items.length < 2) {
    yield items;
    return;
  }
  for (const [at, item] of items.entries()) {
    for (const rest of permutations(items.toSpliced(at, 1))) yield [item, ...rest];
  }
}
