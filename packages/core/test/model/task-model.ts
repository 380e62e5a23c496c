/** A store of one Map: what the pure transitions say at the clock readings that were observed. */
import { isVisible, explain, plan, apply } from "../../src/transitions.ts";
import type { BlindCommand } from "../../src/transitions.ts";
import type { Command, EncodedOutcome, Fence, Refusal } from "../../src/commands.ts";
import type { TaskOutcome, TaskRecord, Write } from "../../src/index.ts";

/** Whom a call reaches: undefined everybody's tasks, else exactly this owner's. */
export type Scope = string | null | undefined;

export type ModelResult =
  | { readonly kind: "done" | "nothing"; readonly row: TaskRecord }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly row: TaskRecord }
  | { readonly kind: "gone" };

export class TaskModel {
  /** Expired rows stay until something deletes them. */
  readonly rows: Map<string, TaskRecord> = new Map();

  /** The row as that caller sees it. */
  visible(taskId: string, scope: Scope, nowUs: number): TaskRecord | undefined {
    const row = this.rows.get(taskId);
    if (row === undefined || !isVisible(row, nowUs)) return undefined;
    return scope === undefined || row.scope === scope ? row : undefined;
  }

  /**
   * Carries a command out.
   * @param readUs the clock reading that came with the row it is planned from, if it needs one
   * @param writeUs the reading at which it was decided
   */
  run(taskId: string, scope: Scope, command: Command, writeId: string, readUs: number, writeUs: number): ModelResult {
    const seen = this.visible(taskId, scope, readUs);
    const needsRow = command.type === "ask" || command.type === "answer" || command.type === "recover";
    if (needsRow && seen === undefined) return { kind: "gone" };
    const planned = needsRow && seen !== undefined ? plan(command, seen, readUs) : plan(blind(command));
    if (planned.kind !== "write") return seen === undefined ? { kind: "gone" } : { ...planned, row: seen };
    const write: Write = {
      taskId,
      writeId,
      notAfterUs: Number.MAX_SAFE_INTEGER,
      alternatives: planned.alternatives,
      ...(scope === undefined ? {} : { scope }),
      ...(planned.quiet === undefined ? {} : { quiet: true }),
    };
    const answer = apply(this.rows.get(taskId), write, writeUs);
    if (answer.kind === "gone") return answer;
    if (answer.kind === "written") {
      this.rows.set(taskId, answer.row);
      return { kind: "done", row: answer.row };
    }
    const refusal = explain(command, answer.row, writeUs);
    if (refusal === undefined) throw new Error(`a refused ${command.type} has no reason`);
    return { kind: "refused", refusal, row: answer.row };
  }
}

function blind(command: Command): BlindCommand {
  if (command.type === "ask" || command.type === "answer" || command.type === "recover") throw new Error("needs a row");
  return command;
}

/** An outcome as it must be stored, written anew from the documentation. */
export function encoded(outcome: TaskOutcome): EncodedOutcome {
  if (outcome.status === "cancelled") return { status: "cancelled", text: null, isError: false, kind: "none" };
  if ("error" in outcome) {
    const { error } = outcome;
    return { status: "failed", text: JSON.stringify({ error }), isError: false, kind: "error", message: error.message };
  }
  const { status, result } = outcome;
  return { status, text: JSON.stringify({ result }), isError: result.isError === true, kind: "result" };
}

/** The code that a user gets for a refusal; those that are not here never reach one who calls alone. */
export const CODE_OF: Readonly<Partial<Record<Refusal, string>>> = {
  terminal: "TASK_TERMINAL",
  "lease-lost": "LEASE_LOST",
  "input-key-reused": "INPUT_KEY_REUSED",
  "failed-with-result": "INVALID_ARGUMENT",
};

export function fenceOf(by: "none" | "force" | number): Fence {
  if (by === "force") return "force";
  return by === "none" ? "unleased" : { token: by };
}
