import { check, LIMITS, outcomeSchema } from "./arguments.ts";
import type { EncodedOutcome } from "./commands.ts";
import { exceedsBytes, toJsonText } from "./json-text.ts";
import type { TaskOutcome } from "./task.ts";

/**
 * An outcome made ready for storing: payload and kind in one text, so that a result that looks like an error stays one.
 * @throws TaskStoreError INVALID_ARGUMENT, PAYLOAD_TOO_LARGE
 * @see S-40, S-67, S-68, X-10, X-57
 */
export function encodeOutcome(outcome: TaskOutcome, maxBytes: number): EncodedOutcome {
  const checked = check(outcomeSchema, outcome, "outcome");
  if (checked.status === "cancelled") return { status: "cancelled", text: null, isError: false, kind: "none" };
  if ("error" in checked) {
    const { code, message, data } = checked.error;
    const error = { code, message, ...(data === undefined ? {} : { data }) };
    const text = `{"error":${toJsonText(error, "outcome.error", maxBytes)}}`;
    return { status: "failed", text, isError: false, kind: "error", message: asStatusMessage(message) };
  }
  const resultText = toJsonText(checked.result, "outcome.result", maxBytes);
  return {
    status: checked.status,
    text: `{"result":${resultText}}`,
    isError: saysError(resultText),
    kind: "result",
  };
}

/** Asked of the stored text, so that a getter cannot answer twice; most results do not even mention the word. */
function saysError(resultText: string): boolean {
  if (!resultText.includes('"isError":true')) return false;
  const result: { readonly isError?: unknown } = JSON.parse(resultText);
  return result.isError === true;
}

/** Any text in the form a status message may have: at most 8,192 UTF-8 bytes, well-formed, U+FFFD for NUL. */
export function asStatusMessage(text: string): string {
  let message = text.toWellFormed().replaceAll("\u0000", "\uFFFD");
  while (exceedsBytes(message, LIMITS.statusMessageBytes)) {
    message = message.slice(0, Math.min(message.length, LIMITS.statusMessageBytes) * 0.9).toWellFormed();
  }
  return message;
}
