import {
  isTaskStoreError,
  type JsonObject,
  type ScopedTaskStore,
  type Task,
  type TaskStore,
} from "@mcp-task-store/core";
import {
  type AuthInfo,
  type JSONRPCNotification,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import type { TaskListen } from "./listen-request.ts";
import type { PrincipalOf } from "./principal.ts";
import type { Slots } from "../slots.ts";
import { TaskFeed } from "./task-feed.ts";
import { missingTasksCapability } from "./tasks-capability.ts";

export interface TaskSubscriptionOptions {
  readonly store: Pick<TaskStore, "scoped">;
  readonly principal: PrincipalOf;
  readonly slots: Slots;
  readonly maxTasks: number;
  readonly toWire: (task: Task) => JsonObject;
  /** Told of a subscription that is refused for want of a slot. */
  readonly onError: (error: unknown) => void;
}

/** The tasks of one subscription that was granted. It holds a slot until it is ended. */
export interface TaskSubscription {
  /** The caller's own among the tasks asked for, each once, in that order. */
  readonly taskIds: readonly string[];
  /** See {@link TaskFeed.next}. */
  readonly next: () => Promise<JSONRPCNotification | undefined>;
  /** Stops it and gives its slot back, at once. Twice is harmless. */
  readonly end: () => void;
}

/**
 * Grants a subscription, or says why not.
 * @throws ProtocolError -32021 without the extension, -32602 for malformed ids, -32603 when there is no slot;
 *   what `principal` threw; TaskStoreError when the store cannot be reached
 * @see
 */
export async function openTaskSubscription(
  listen: TaskListen,
  authInfo: AuthInfo | undefined,
  signal: AbortSignal,
  { store, principal: principalOf, slots, maxTasks, toWire, onError }: TaskSubscriptionOptions,
): Promise<TaskSubscription> {
  if (!listen.declaresTasks) throw missingTasksCapability();
  const asked = checkedTaskIds(listen.taskIds, maxTasks);
  const principal = await principalOf(authInfo);
  const view = store.scoped(principal);
  const giveBack = slots.take(principal);
  if (giveBack === undefined) {
    const refusal = new ProtocolError(ProtocolErrorCode.InternalError, "Subscription limit reached");
    onError(refusal);
    throw refusal;
  }
  try {
    const taskIds = await ownTaskIds(view, asked, signal);
    signal.throwIfAborted();
    const feed = new TaskFeed({ view, taskIds, subscriptionId: listen.id, toWire });
    const end = (): void => {
      feed.stop();
      giveBack();
    };
    return { taskIds, next: () => feed.next(), end };
  } catch (error) {
    giveBack();
    throw error;
  }
}

function checkedTaskIds(value: unknown, maxTasks: number): readonly string[] {
  if (!Array.isArray(value) || !value.every((id): id is string => typeof id === "string")) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Invalid params: taskIds must be an array of strings");
  }
  const taskIds = [...new Set(value)];
  if (taskIds.length > maxTasks) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Invalid params: at most ${maxTasks} taskIds`);
  }
  return taskIds;
}

/**
 * Those that the view has. All are looked at in the same read, and what is not the caller's is looked at like what never
 * was. An id that no task can have is as unknown as any other.
 */
async function ownTaskIds(
  view: ScopedTaskStore,
  asked: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await Promise.all(
    asked.map(async (taskId) => {
      try {
        // A task has no revision 0, so this is one look, which the store shares among all that ask in the same turn.
        await view.waitForUpdate(taskId, { since: 0, signal });
        return [taskId];
      } catch (error) {
        if (isTaskStoreError(error, "TASK_NOT_FOUND") || isTaskStoreError(error, "INVALID_ARGUMENT")) return [];
        throw error;
      }
    }),
  );
  return found.flat();
}
