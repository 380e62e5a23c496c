import { afterOwed, type Fate, fits, type Owed } from "./answers.ts";
import { drifted, possibilities, type Possibility } from "./contract.ts";
import type { HistoryAllowances, HistoryCall } from "./history-data.ts";
import type { TaskState } from "./task-state.ts";

/** A call as the search moves it about. */
export interface Piece {
  /** Its place among the calls of the history. */
  readonly index: number;
  readonly call: HistoryCall;
  readonly start: number;
  /** Infinity: it may take place at any later time, or never. */
  readonly end: number;
  /** "wanted": it takes place before its end, whatever it answers. */
  readonly fate: Exclude<Fate, { readonly kind: "void" }> | { readonly kind: "wanted" };
}

/** A call in its place, and how it left the task. */
export interface Placed {
  readonly index: number;
  readonly after: TaskState;
}

/** One way on from where the search stands. */
interface Move {
  readonly at: number;
  readonly next: TaskState;
  /** What the task has yet to be for the answer to be right. */
  readonly owed?: Owed | undefined;
  readonly possibility?: Possibility;
}

export type SearchEnd =
  | { readonly kind: "ordered"; readonly order: readonly Placed[] }
  | { readonly kind: "no-order" }
  | { readonly kind: "out-of-steps" };

/** The search has looked at as many states as it may. */
class OutOfSteps extends Error {}

/** How far a call has come: it waits for its place, or only for what its answer shows, or all of it fits. */
type Progress = "waiting" | "owing" | "done";

const PROGRESS_KEY: Readonly<Record<Progress, string>> = { waiting: "-", owing: "o", done: "x" };

/**
 * Looks for an order of calls that the contract explains, after Wing and Gong: whatever may come first is tried first,
 * with all that may follow from it. As Lowe proposed, no set of placed calls is left in the same state twice.
 */
export class OrderSearch {
  readonly #pieces: readonly Piece[];
  readonly #allows: HistoryAllowances;
  readonly #maxSteps: number;
  readonly #progress: Progress[];
  readonly #owed: (Owed | undefined)[];
  readonly #order: Placed[] = [];
  /** Whether there is an order from there on, by what is placed and the state. */
  readonly #known = new Map<string, boolean>();
  #steps = 0;
  #found: readonly Placed[] | undefined;
  #onWanted: ((possibility: Possibility) => void) | undefined;

  /** @param maxSteps how many states of the search it may look at */
  constructor(pieces: readonly Piece[], allows: HistoryAllowances, maxSteps: number) {
    // What ends first is tried first: mostly it also came first.
    this.#pieces = pieces.toSorted((a, b) => a.end - b.end || a.start - b.start);
    this.#allows = allows;
    this.#maxSteps = maxSteps;
    this.#progress = pieces.map(() => "waiting");
    this.#owed = pieces.map(() => undefined);
  }

  get steps(): number {
    return this.#steps;
  }

  /**
   * Runs the search, once.
   * @param onWanted goes on after the first order, and is told each way in which the wanted call can take place
   */
  run(before: TaskState, onWanted?: (possibility: Possibility) => void): SearchEnd {
    this.#onWanted = onWanted;
    try {
      this.#visit(before);
    } catch (error) {
      if (!(error instanceof OutOfSteps)) throw error;
      if (this.#found === undefined) return { kind: "out-of-steps" };
    }
    return this.#found === undefined ? { kind: "no-order" } : { kind: "ordered", order: this.#found };
  }

  /** Whether the calls that are not placed yet can follow on this state. */
  #visit(state: TaskState): boolean {
    if (this.#pieces.every((piece, at) => piece.end === Infinity || this.#progress[at] === "done")) {
      this.#found ??= [...this.#order];
      return true;
    }
    if (this.#isTooLate(state)) return false;
    const key = `${this.#progress.map((one) => PROGRESS_KEY[one]).join("")} ${state.key}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#steps += 1;
    if (this.#steps > this.#maxSteps) throw new OutOfSteps();
    let leads = false;
    for (const move of this.#moves(state)) {
      if (!this.#try(move)) continue;
      leads = true;
      if (this.#onWanted === undefined) break;
      if (move.possibility !== undefined) this.#onWanted(move.possibility);
    }
    this.#known.set(key, leads);
    return leads;
  }

  /** Whether an answer shows a revision that the task has left behind: revisions only grow. */
  #isTooLate({ revision }: TaskState): boolean {
    return this.#pieces.some(({ fate }, at) => {
      const shown = fate.kind === "told" ? fate.answer.task?.revision : undefined;
      return shown !== undefined && shown < revision.atLeast && this.#progress[at] !== "done";
    });
  }

  #try({ at, next, owed }: Move): boolean {
    const piece = this.#pieces[at];
    const progress = this.#progress[at];
    if (piece === undefined || progress === undefined) return false;
    const wasOwed = this.#owed[at];
    this.#progress[at] = owed === undefined ? "done" : "owing";
    this.#owed[at] = owed;
    // What an answer shows later has no place of its own in the order.
    const isPlaced = progress === "waiting";
    if (isPlaced) this.#order.push({ index: piece.index, after: next });
    const leads = this.#visit(next);
    if (isPlaced) this.#order.pop();
    this.#progress[at] = progress;
    this.#owed[at] = wasOwed;
    return leads;
  }

  #moves(state: TaskState): readonly Move[] {
    const lastStart = this.#pieces.reduce(
      (soonest, piece, at) => (this.#progress[at] === "done" ? soonest : Math.min(soonest, piece.end)),
      Infinity,
    );
    const moves: Move[] = [];
    for (const [at, piece] of this.#pieces.entries()) {
      if (this.#progress[at] === "done" || piece.start > lastStart) continue;
      for (const move of this.#movesOf(at, piece, state)) {
        // What fits here and changes nothing may as well be here: nothing else has to be tried.
        if (move.next.key === state.key && move.owed === undefined && move.possibility === undefined) return [move];
        moves.push(move);
      }
    }
    // Nothing in between: then it is as if it happened before the call that shows it.
    for (const other of drifted(state, this.#allows)) {
      for (const [at, piece] of this.#pieces.entries()) {
        if (this.#progress[at] === "done" || piece.start > lastStart) continue;
        moves.push(...this.#movesOf(at, piece, other));
      }
    }
    return moves;
  }

  #movesOf(at: number, { call, fate }: Piece, state: TaskState): readonly Move[] {
    const owed = this.#owed[at];
    if (owed !== undefined) {
      const next = afterOwed(state, owed);
      return next === undefined ? [] : [{ at, next }];
    }
    return possibilities(state, call, this.#allows).flatMap((possibility): readonly Move[] => {
      const { expected, next } = possibility;
      if (fate.kind === "wanted") return [{ at, next, possibility }];
      // A call of which nobody was told counts only if it changes something.
      if (fate.kind === "unknown") return next.key === state.key ? [] : [{ at, next }];
      return fits(expected, next, fate.answer).map((fit) => ({ at, next: fit.state, owed: fit.owed }));
    });
  }
}
