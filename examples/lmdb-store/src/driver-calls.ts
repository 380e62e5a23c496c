/** The methods of a driver by name, as one process has another call them. All of what they take and give is plain data. */
import { type DriverMessages, isTaskStoreError, type TaskDriver, type TaskStoreError } from "@mcp-task-store/core";

export type MethodName =
  | keyof Pick<TaskDriver, "setup" | "insert" | "read" | "write" | "remove" | "page" | "due" | "close">
  | keyof DriverMessages;

export interface Call {
  /** Which driver: its directory, and a number of its own. */
  readonly path: string;
  readonly handle: number;
  readonly method: MethodName;
  readonly args: readonly unknown[];
}

export type Answer<T> =
  | { readonly value: T }
  | { readonly refusal: Pick<TaskStoreError, "code" | "message" | "retryable"> };

export async function carryOut(driver: TaskDriver, { method, args }: Call): Promise<Answer<unknown>> {
  const owner = method === "push" || method === "take" ? driver.messages : driver;
  try {
    const called: unknown = Reflect.get(owner ?? {}, method);
    if (typeof called !== "function") throw new TypeError(`a driver has no method ${method}`);
    return { value: await Reflect.apply(called, owner, args) };
  } catch (error) {
    if (!isTaskStoreError(error)) throw error;
    const { code, message, retryable } = error;
    return { refusal: { code, message, retryable } };
  }
}
