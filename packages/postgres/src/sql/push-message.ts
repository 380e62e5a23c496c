import type { Names } from "./names.ts";

/**
 * Adds a message to a task. Equals `pushMessage` of core's message-queue.ts at the clock reading that it returns. What it
 * does stands in migrations/0002-messages.ts, and why as a function.
 *
 * Params: $1 task id; $2 message id; $3 message; $4 open tasks only; $5 how many messages may wait; $6 not after, epoch
 *   µs; $7 the task was born by, epoch µs, or null.
 * Rows: one. `answer` is "pushed" (now or before), "late", "refused" (not open), "full", or "gone", without `now_us`.
 * Clock: read once, after the task's row is locked.
 * Indexes: none of `tasks`, so its update is a HOT update.
 */
export const pushMessageStatement = (names: Names): string =>
  `select answer, now_us from ${names.pushMessage}($1::text, $2::text, $3::text, $4::boolean, $5::bigint, $6::bigint, $7::bigint)`;
