/**
 * Ids of the requests by which a client is asked for a task's input. They say all that is needed to store the answer, so
 * it may arrive in any process and after the one that asked is gone; whose task it is decides the caller's token, as
 * with any request. Unique within a connection, as JSON-RPC wants it.
 */
const PREFIX = "task-input";

export interface QuestionId {
  readonly taskId: string;
  /** The key of the input. */
  readonly key: string;
}

export function newQuestionId({ taskId, key }: QuestionId): string {
  return [PREFIX, encodeURIComponent(taskId), encodeURIComponent(key), crypto.randomUUID()].join("/");
}

/** undefined for the id of any other request. */
export function readQuestionId(id: unknown): QuestionId | undefined {
  if (typeof id !== "string") return undefined;
  const [prefix, taskId, key, unique, ...rest] = id.split("/");
  if (prefix !== PREFIX || taskId === undefined || key === undefined || unique === undefined || rest.length > 0) {
    return undefined;
  }
  try {
    return { taskId: decodeURIComponent(taskId), key: decodeURIComponent(key) };
  } catch {
    return undefined;
  }
}
