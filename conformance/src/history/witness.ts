import { describeAnswer, describeExpected, partsThatDiffer } from "./answers.ts";
import type { Possibility } from "./contract.ts";
import type { History, HistoryAllowances, HistoryCall } from "./history-data.ts";
import { OrderSearch, type Piece, type Placed } from "./order-search.ts";
import { describeState, describeWithoutRevision, type TaskState } from "./task-state.ts";

/** How many right answers a witness names at most. */
const MOST_ANSWERS = 6;

/** How many states each search for a better witness looks at. */
const MOST_STEPS = 5_000;

/** A call as it took its place in an order, and the task after it, in words. */
export interface WitnessStep {
  /** Its place among the history's calls, from 0. */
  readonly call: number;
  readonly after: string;
}

/** Why no order explains a history. */
export interface HistoryWitness {
  /** The call whose answer fits nowhere: its place among the history's calls, from 0. */
  readonly call: number;
  /** What its caller was told. */
  readonly told: string;
  /** What it could have been told, each in words; perhaps not all of it. */
  readonly couldHaveBeenTold: readonly string[];
  /** The calls up to that answer; without the last of them there is an order. In the order in which they started. */
  readonly prefix: readonly number[];
  /** Some of them overlapped; otherwise it takes no race to see the fault. */
  readonly overlaps: boolean;
  /** The longest order there is: of those calls, if that one had had another answer. */
  readonly order: readonly WitnessStep[];
}

interface Search {
  readonly pieces: readonly Piece[];
  readonly before: TaskState;
  readonly allows: HistoryAllowances;
  readonly maxSteps: number;
}

/** What was known once the calls that ended first had ended: the others may still take place, or not. */
function until(pieces: readonly Piece[], last: Piece, ended: ReadonlySet<Piece>): readonly Piece[] {
  return pieces.flatMap((piece): readonly Piece[] => {
    if (ended.has(piece)) return [piece];
    if (piece.start > last.end) return [];
    return [{ ...piece, end: Infinity, fate: { kind: "unknown" } }];
  });
}

/** Finds the first answer after which no order is left, in a history that has none. */
export function findWitness(history: History, search: Search): HistoryWitness {
  const { pieces, before, allows, maxSteps } = search;
  const fewSteps = Math.min(maxSteps, MOST_STEPS);
  const byEnd = pieces.filter(({ end }) => end !== Infinity).toSorted((a, b) => a.end - b.end || a.index - b.index);
  const prefixOf = (count: number): readonly Piece[] => {
    const last = byEnd[count - 1];
    return last === undefined ? [] : until(pieces, last, new Set(byEnd.slice(0, count)));
  };
  // No order of some calls leaves none of more; what takes too long to tell counts as an order.
  let [most, least] = [byEnd.length, 1];
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    const { kind } = new OrderSearch(prefixOf(middle), allows, fewSteps).run(before);
    if (kind === "no-order") most = middle;
    else least = middle + 1;
  }
  const culprit = byEnd[most - 1];
  if (culprit === undefined) throw new TypeError("a history without answers has an order");
  const prefix = prefixOf(most);
  const free = prefix.map((piece): Piece => (piece === culprit ? { ...piece, fate: { kind: "wanted" } } : piece));
  /** What differs only in how much is known of the revision is one answer: the one of which more is known. */
  const answers = new Map<string, Possibility>();
  const noted = new OrderSearch(free, allows, fewSteps).run(before, (possibility) => {
    const key = describeExpected(possibility.expected, possibility.next, describeWithoutRevision);
    if (answers.get(key)?.next.revision.known !== true) answers.set(key, possibility);
  });
  const found = noted.kind === "ordered" ? noted : new OrderSearch(free, allows, fewSteps).run(before);
  const right = [...answers.values()].slice(0, MOST_ANSWERS);
  const parts = partsThatDiffer(culprit.fate, right);
  return {
    call: culprit.index,
    told: describeAnswer(culprit.call.answer, parts),
    couldHaveBeenTold: right.map(({ expected, next }) =>
      describeExpected(expected, next, (state) => describeState(state, parts)),
    ),
    prefix: prefix.toSorted((a, b) => a.start - b.start || a.index - b.index).map(({ index }) => index),
    overlaps: overlap(prefix),
    order: found.kind === "ordered" ? found.order.map(stepOf) : [],
  };
}

function stepOf({ index, after }: Placed): WitnessStep {
  return { call: index, after: describeState(after) };
}

/** Whether any two calls were under way at the same time. */
function overlap(pieces: readonly Piece[]): boolean {
  return pieces.some((one, at) => pieces.slice(at + 1).some((other) => one.start < other.end && other.start < one.end));
}

/** A witness for people, one line a call. */
export function describeWitness(history: History, witness: HistoryWitness): string {
  const lines = [
    `No order of these ${witness.prefix.length} calls explains what their callers were told:`,
    ...witnessLines(history, witness),
    `Call ${witness.call} was told ${witness.told}.`,
  ];
  if (witness.couldHaveBeenTold.length > 0) {
    lines.push("It could have been told:", ...witness.couldHaveBeenTold.map((answer) => `    ${answer}`));
  }
  return lines.join("\n");
}

/** The calls of a witness, and an order of them. */
export function witnessLines({ calls }: History, witness: HistoryWitness): readonly string[] {
  const lines: string[] = [];
  for (const index of witness.prefix) {
    const call = calls[index];
    if (call === undefined) continue;
    const wasTold = call.end !== null && (index === witness.call || endedBefore(calls, call, witness.call));
    const told = wasTold ? describeAnswer(call.answer) : "not ended yet";
    lines.push(`  ${index === witness.call ? ">" : " "} ${describeCall(call, index)} → ${told}`);
  }
  if (witness.order.length === 0) return lines;
  lines.push("An order of all of them, were it not for the answer that is marked, and the task after each:");
  return [...lines, ...witness.order.map(({ call, after }) => `    ${describeCall(calls[call], call)} → ${after}`)];
}

function endedBefore(calls: readonly HistoryCall[], { end }: HistoryCall, culprit: number): boolean {
  const last = calls[culprit]?.end;
  return end !== null && last !== null && last !== undefined && end <= last;
}

/** A call in words: its place, who made it, and its arguments. */
export function describeCall(call: HistoryCall | undefined, index: number): string {
  if (call === undefined) return `${index}`;
  const { client, as, start: _start, end: _end, answer: _answer, method, ...args } = call;
  const view = as === undefined ? "" : ` as ${as ?? "nobody"}`;
  const given = Object.entries(args).filter(([, value]) => value !== undefined);
  const text = given.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ");
  return `${index} ${client}${view} ${method}${text === "" ? "" : ` (${text})`}`;
}
