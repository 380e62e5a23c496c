import type { Call } from "./call.ts";
import type { Command, Refusal } from "./commands.ts";
import { isTaskStoreError, TaskStoreError } from "./errors.ts";

/** What a driver threw against its contract while nothing was being written. */
export function backendError(cause: unknown): TaskStoreError {
  return new TaskStoreError("STORE_UNAVAILABLE", "The backend failed in a way that its driver does not know.", {
    cause,
  });
}

export function unknownOutcome(cause?: unknown): TaskStoreError {
  return new TaskStoreError(
    "WRITE_OUTCOME_UNKNOWN",
    "The answer to a write was lost: it may or may not have taken effect. Read the task.",
    { cause },
  );
}

/**
 * Sorts what a driver threw during a write.
 * @returns whether the write is ambiguous from now on
 * @throws the error itself if it is final, or what became of the call if that is over
 */
export function repeatable(error: unknown, call: Call, ambiguous: boolean): boolean {
  // What a driver throws against its contract says nothing about the write.
  const unknown = !isTaskStoreError(error) || isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN");
  if (!unknown && !isTaskStoreError(error, "STORE_UNAVAILABLE")) {
    if (ambiguous) throw unknownOutcome(error);
    throw error;
  }
  call.lastFailure = error;
  if (call.isOver) throw unknown || ambiguous ? unknownOutcome(error) : call.overError(error);
  // The driver knows that it is no use, such as a missing right.
  if (!unknown && !error.retryable && !ambiguous) throw error;
  return ambiguous || unknown;
}

/** Whether a refusal holds for ever, so that a delayed first attempt can change nothing about it. */
export function isFinal(command: Command, refusal: Refusal): boolean {
  switch (refusal) {
    case "terminal":
    case "failed-with-result":
    case "inputs-changed":
    case "input-key-reused":
    case "not-due":
      return true;
    case "lease-lost":
      return !("fence" in command) || typeof command.fence === "object";
    case "cancel-requested":
    case "held":
    case "attempts-exhausted":
      return false;
  }
}

/**
 * Whether a write of this command could take effect a second time once the ring has forgotten it. The others change what
 * their own guards ask for: an open status, a token, the inputs they were planned from.
 */
export function couldApplyTwice(command: Command): boolean {
  return command.type === "report" || command.type === "acquire";
}

/**
 * Whether only the ring can tell if a write of this command landed. Not for an end, since nothing follows it: an open
 * row shows that it did not land, and the ring of a terminal one still holds it if it did. Not for a renewal, which is
 * never in the ring and may be repeated.
 */
export function needsProof(command: Command): boolean {
  return command.type !== "finish" && command.type !== "cancel" && command.type !== "renew";
}
