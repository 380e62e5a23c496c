/**
 * What the demo and its workers say to each other, beside the store. Handing out tasks is not the store's business: a
 * server would use a job queue here. Only ids travel; what is to be done and what came of it is in the store.
 */
import type { TaskStatus, TaskStoreErrorCode } from "@mcp-task-store/core";

export type RaceRole = "complete" | "cancel";

export type ToWorker =
  | { readonly type: "run"; readonly taskId: string }
  /** Get ready to end this task, then wait for "go". */
  | { readonly type: "prepare"; readonly taskId: string; readonly role: RaceRole; readonly headStartMs: number }
  | { readonly type: "go" };

export type FromWorker =
  | { readonly type: "ready" }
  /** The task is leased to this worker. */
  | { readonly type: "started"; readonly taskId: string; readonly attempt: number; readonly token: number }
  /** `ctx.signal` fired in the middle of the work. */
  | { readonly type: "signalled"; readonly taskId: string; readonly reason: string; readonly slices: number }
  /** The run settled. */
  | {
      readonly type: "ended";
      readonly taskId: string;
      readonly ending: TaskStatus | "nothing to do";
      readonly slices: number;
    }
  | { readonly type: "prepared"; readonly taskId: string }
  /** `refusal` is why the other one won; absent: this one did. `status` is the task's, as this worker learned it. */
  | {
      readonly type: "raced";
      readonly taskId: string;
      readonly status: TaskStatus | "unknown";
      readonly refusal?: TaskStoreErrorCode;
    }
  | { readonly type: "trouble"; readonly text: string };

export type MessageOf<T extends FromWorker["type"]> = Extract<FromWorker, { type: T }>;
