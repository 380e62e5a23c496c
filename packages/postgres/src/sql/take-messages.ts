import type { Names } from "./names.ts";

/**
 * Hands messages of a task to a receipt. Equals `takeMessages` of core's message-queue.ts at the clock reading that it
 * returns. What it does stands in migrations/0002-messages.ts, and why as a function.
 *
 * Params: $1 task id; $2 receipt; $3 how many at most, null for all; $4 ms for which what was handed out is kept; $5 not
 *   after, epoch µs; $6 the task was born by, epoch µs, or null.
 * Rows: at least one; `answer` is the same in all. "taken": a row for each message, in order, or one without a message;
 *   what the receipt was handed before, or else now. "spent": it was handed what is not kept any more. "late". "gone",
 *   without `now_us`.
 * Clock: read once, after the task's row is locked.
 */
export const takeMessagesStatement = (names: Names): string =>
  `select answer, now_us, message_id, message from ${names.takeMessages}($1::text, $2::text, $3::bigint, $4::bigint, $5::bigint, $6::bigint)`;
