import { isTaskStoreError, type TaskStore } from "@mcp-task-store/core";
import { jsonCopy } from "./canonical-json.ts";
import type { CallAnswer } from "./history-data.ts";
import type { HistoryRecording, StartedCall } from "./history-recording.ts";
import { recordedOperation } from "./recorded-operation.ts";

/** Whose calls go where. */
interface Notes {
  readonly recording: HistoryRecording;
  readonly client: string;
  readonly as: string | null | undefined;
  /** What the methods belong to: the store or a view of it, or its messages. */
  readonly of: "store" | "messages";
}

/**
 * The store with every call about one task written down in the recording: who called, when, with what, and how it ended.
 * Its views and pushed messages are recorded, too; listings, watches and maintenance are not. A call starts in the same
 * turn as without it.
 * @param client whose calls these are, for people who read the history
 */
export function recordHistory(store: TaskStore, recording: HistoryRecording, client: string): TaskStore {
  return recorded(store, { recording, client, as: undefined, of: "store" });
}

function recorded<S extends object>(store: S, notes: Notes): S {
  // A shell, not the store itself: a proxy may not replace the methods of a frozen object.
  const shell: S = Object.create(null);
  const wrapped: S = new Proxy(shell, {
    has: (_shell, key) => Reflect.has(store, key),
    ownKeys: () => Reflect.ownKeys(store),
    getOwnPropertyDescriptor(_shell, key) {
      if (!Reflect.has(store, key)) return undefined;
      return { value: Reflect.get(wrapped, key), enumerable: true, configurable: true, writable: true };
    },
    get(_shell, key): unknown {
      const value: unknown = Reflect.get(store, key, store);
      if (key === "messages" && typeof value === "object" && value !== null) {
        return recorded(value, { ...notes, of: "messages" });
      }
      if (typeof value !== "function" || typeof key !== "string") return value;
      return (...args: readonly unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(value, store, args);
        return key === "scoped" ? recordedView(call(), args[0], notes) : recordedCall(call, key, args, notes);
      };
    },
  });
  return wrapped;
}

function recordedView(view: unknown, principal: unknown, notes: Notes): unknown {
  if (typeof view !== "object" || view === null) return view;
  return principal === null || typeof principal === "string" ? recorded(view, { ...notes, as: principal }) : view;
}

function recordedCall(call: () => unknown, name: string, args: readonly unknown[], notes: Notes): unknown {
  const { recording, client, as, of } = notes;
  const made: Pick<StartedCall, "taskId" | "operation"> | undefined = recordedOperation(of, name, args);
  if (made === undefined) return call();
  const ended = recording.started({ ...made, client, as });
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    ended(thrown(error));
    throw error;
  }
  if (!(result instanceof Promise)) {
    ended(returned(result));
    return result;
  }
  return result.then(
    (value: unknown) => {
      ended(returned(value));
      return value;
    },
    (error: unknown) => {
      ended(thrown(error));
      throw error;
    },
  );
}

function returned(value: unknown): CallAnswer {
  const copied = jsonCopy(value);
  // What JSON cannot hold shows nothing that could be judged here.
  return copied === undefined ? { kind: "threw", code: null } : { kind: "returned", value: copied.copy };
}

function thrown(error: unknown): CallAnswer {
  if (!isTaskStoreError(error)) return { kind: "threw", code: null };
  const task = jsonCopy(error.task)?.copy;
  return { kind: "threw", code: error.code, ...(task === undefined ? {} : { task }) };
}
