import type {
  Generation,
  InputRequest,
  JsonObject,
  Task,
  TaskChange,
  TaskOutcome,
  TaskStoreErrorCode,
} from "@mcp-task-store/core";

/** What a log knows of a task: its status, and what else it wrote down. */
export type LoggedTask = Pick<Task, "status"> & Partial<Task>;

/** Parts of a task that a log may leave out, see {@link History.shows}. The status and the outcome are always looked at. */
export type TaskPart =
  | "revision"
  | "statusMessage"
  | "inputs"
  | "cancelRequestedAt"
  | "attempts"
  | "lease"
  | "metadata"
  | "pollIntervalMs"
  | "principal"
  | "generation";

/** Which calls need a token while somebody works on the task. */
interface Authority {
  readonly lease?: number | undefined;
  readonly force?: boolean | undefined;
}

/** What a create says of the task that it makes; more is allowed, and not looked at. */
export interface CreatedWith {
  readonly taskId?: string | undefined;
  readonly principal?: string | null | undefined;
  readonly generation?: Generation | null | undefined;
  readonly pollIntervalMs?: number | undefined;
  readonly statusMessage?: string | undefined;
  readonly metadata?: JsonObject | undefined;
  readonly idempotencyKey?: string | undefined;
}

/** One method of a `TaskStore` with those of its arguments that the contract turns on, without the task's id. */
export type HistoryOperation =
  | { readonly method: "createTask"; readonly params: CreatedWith }
  | { readonly method: "getTask"; readonly outcome?: boolean | undefined }
  | { readonly method: "getOutcome" | "waitForUpdate" | "waitForOutcome" }
  | ({ readonly method: "updateTask"; readonly change: TaskChange } & Authority)
  | ({
      readonly method: "finishTask";
      readonly outcome: TaskOutcome;
      readonly statusMessage?: string | undefined;
    } & Authority)
  | { readonly method: "cancelTask"; readonly statusMessage?: string | undefined }
  | { readonly method: "requestCancellation" }
  | ({
      readonly method: "requestInputs";
      readonly inputs: Readonly<Record<string, InputRequest>>;
    } & Authority)
  | { readonly method: "answerInputs"; readonly answers: Readonly<Record<string, JsonObject>> }
  | { readonly method: "acquireLease"; readonly holder: string }
  | { readonly method: "renewLease" | "releaseLease"; readonly token: number }
  | { readonly method: "deleteTask" }
  /** `store.messages.push`: it moves the revision. */
  | { readonly method: "push"; readonly messageId: string };

/** How a call ended, as the caller was told. */
export type CallAnswer =
  /** What the promise resolved with, as JSON; no `value`: undefined. */
  | { readonly kind: "returned"; readonly value?: unknown }
  /** The error's code, and the task that it carried; code null: something else was thrown. */
  | { readonly kind: "threw"; readonly code: TaskStoreErrorCode | null; readonly task?: unknown };

/** One call, by whom, when, and how it ended. */
export type HistoryCall = HistoryOperation & {
  /** A name for readers: a process, a worker. One client's calls may overlap. */
  readonly client: string;
  /** Made through the view of this principal (null: of nobody); absent: by trusted code, on the root store. */
  readonly as?: string | null | undefined;
  /**
   * When the call was made. Instants of one clock, in any unit: only their order counts, and a call precedes another if
   * it ended before the other started. Where clocks differ, start earlier or end later rather than the other way round.
   */
  readonly start: number;
  /** When its answer was there; null: never, so that it may still take effect. */
  readonly end: number | null;
  /** null exactly while `end` is. */
  readonly answer: CallAnswer | null;
};

/** Freedoms that the contract gives and that a history has to claim, since they could excuse nearly everything. */
export interface HistoryAllowances {
  /** The task may have expired meanwhile. @default false */
  readonly expiry?: boolean | undefined;
  /**
   * Leases may have run out meanwhile, and maintenance may have failed, released or cancelled the task. @default false
   */
  readonly lapse?: boolean | undefined;
  /** The store's `maxAttempts`. @default unknown: from the second lease on an acquire may be refused for it */
  readonly maxAttempts?: number | undefined;
}

/**
 * All calls about one task, from before it was made, or from when it was `before`, whoever made them: a write that is
 * missing looks like a fault. Plain JSON.
 */
export interface History {
  /** Version of this shape. */
  readonly format: 1;
  readonly taskId: string;
  /**
   * The task before the first call, as its answers show it; null: there was none. A lease in it counts as live.
   */
  readonly before: LoggedTask | null;
  /** In any order; at most 1,000. */
  readonly calls: readonly HistoryCall[];
  readonly allows?: HistoryAllowances | undefined;
  /**
   * Which parts the tasks in the answers show, for logs that leave some out; a refusal may then come without its task.
   * @default all
   */
  readonly shows?: readonly TaskPart[] | undefined;
}
