import { isTaskStoreError } from "@mcp-task-store/core";

export type Settled<T> =
  | { readonly kind: "fulfilled"; readonly value: T }
  | { readonly kind: "rejected"; readonly error: unknown };

/** How a call ended, as data that a rule can judge. */
export type Attempt<T> =
  | Settled<T>
  /** Not settled at the deadline although a control was: see `Kit.settles`. */
  | { readonly kind: "pending" };

/**
 * Waits for a call that a rule judges, however it ends.
 * @throws CouldNotRun if the backend was away or too slow: a store that says so broke no rule
 */
export async function attempt<T>(call: PromiseLike<T> | (() => PromiseLike<T>)): Promise<Attempt<T>> {
  const end = await anyEnd(call);
  if (end.kind === "rejected" && isDown(end.error)) throw asCouldNotRun(end.error);
  return end;
}

/** Waits for a call and never rejects. */
export async function anyEnd<T>(call: PromiseLike<T> | (() => PromiseLike<T>)): Promise<Settled<T>> {
  try {
    return { kind: "fulfilled", value: await (typeof call === "function" ? call() : call) };
  } catch (error) {
    return { kind: "rejected", error };
  }
}

/** The backend is away, or this machine too slow: that says nothing about the store's rules. */
export function isDown(error: unknown): boolean {
  return (
    error instanceof CouldNotRun ||
    isTaskStoreError(error, "STORE_UNAVAILABLE") ||
    isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN") ||
    isTaskStoreError(error, "SCHEMA_NOT_READY")
  );
}

function asCouldNotRun(error: unknown): CouldNotRun {
  if (error instanceof CouldNotRun) return error;
  return new CouldNotRun("the store could not reach its backend", { cause: error });
}

/** The values of those calls that succeeded. */
export function fulfilledValues<T>(attempts: readonly Attempt<T>[]): readonly T[] {
  return attempts.flatMap((one) => (one.kind === "fulfilled" ? [one.value] : []));
}

/** The errors of those calls that did not. */
export function rejectedErrors(attempts: readonly Attempt<unknown>[]): readonly unknown[] {
  return attempts.flatMap((one) => (one.kind === "rejected" ? [one.error] : []));
}

/**
 * The machine or the backend, not the store's behaviour, kept a rule from its verdict: the outcome is could-not-run,
 * and the run's verdict "incomplete".
 */
export class CouldNotRun extends Error {
  override readonly name: string = "CouldNotRun";
}

/** Why a rule that waits for the backend's clock could not: another rule judges that. */
export function stillThere(ttlMs: number, lateMs: number): string {
  return `a task with a ttl of ${ttlMs} ms was still there ${lateMs} ms after its end: see ttl/gone`;
}
