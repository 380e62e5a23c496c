import { jsonCopy } from "./canonical-json.ts";
import type { StartedCall } from "./history-recording.ts";
import { isObject } from "./shown-task.ts";

type Made = Pick<StartedCall, "taskId" | "operation">;

/** Of each method about one task what its second argument is called in a history; its third, or that, may be options. */
const SECOND: ReadonlyMap<string, string | null> = new Map(
  Object.entries({
    getTask: "options",
    getOutcome: null,
    waitForUpdate: null,
    waitForOutcome: null,
    updateTask: "change",
    finishTask: "outcome",
    cancelTask: "options",
    requestCancellation: null,
    requestInputs: "inputs",
    answerInputs: "answers",
    acquireLease: "options",
    renewLease: "token",
    releaseLease: "token",
    deleteTask: null,
  }),
);

/** Options that the contract turns on. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  getTask: ["outcome"],
  updateTask: ["lease", "force"],
  finishTask: ["statusMessage", "lease", "force"],
  cancelTask: ["statusMessage"],
  requestInputs: ["lease", "force"],
  acquireLease: ["holder"],
};

const CREATED_WITH = [
  "taskId",
  "principal",
  "generation",
  "pollIntervalMs",
  "statusMessage",
  "metadata",
  "idempotencyKey",
];

/** A call as data, with a copy of its arguments as they are now; undefined: it is not about one task. */
export function recordedOperation(
  of: "store" | "messages",
  method: string,
  args: readonly unknown[],
): Made | undefined {
  const [first, second, third] = args;
  if (of === "store" && method === "createTask") return createOperation(first);
  if (typeof first !== "string") return undefined;
  if (of === "messages") {
    if (method !== "push") return undefined;
    return { taskId: first, operation: { method, ...copyOf(picked(third, ["messageId"])) } };
  }
  const name = SECOND.get(method);
  if (name === undefined) return undefined;
  const options = picked(name === "options" ? second : third, OPTIONS[method] ?? []);
  return {
    taskId: first,
    operation: { method, ...copyOf(name === null || name === "options" ? options : { [name]: second, ...options }) },
  };
}

function createOperation(params: unknown): Made {
  const kept = copyOf(picked(params, CREATED_WITH));
  const taskId = kept["taskId"];
  return { taskId: typeof taskId === "string" ? taskId : undefined, operation: { method: "createTask", params: kept } };
}

/** Nothing, where JSON cannot hold it: such a call is refused, or no history can hold it. */
function copyOf(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const copied = jsonCopy(members)?.copy;
  return isObject(copied) ? copied : {};
}

function picked(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(names.flatMap((name) => (value[name] === undefined ? [] : [[name, value[name]]])));
}
