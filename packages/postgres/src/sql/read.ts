import { CLOCK_US } from "./clock.ts";
import { columnsOf, TASK_COLUMNS } from "./columns.ts";
import type { Names } from "./names.ts";

/**
 * The visible tasks of these ids, and the clock.
 *
 * Params: $1 text[] of task ids.
 * Rows: at least one, for `now_us`; its `task_id` is null if there is no task. Each task once, in no order.
 * Columns: `request` and `outcome` only where asked for: each is read from its own storage then (TOAST).
 */
export const readStatement = (names: Names, payloads: readonly ("request" | "outcome")[]): string => `\
with clock as materialized (
  select ${CLOCK_US} as now_us
)
select clock.now_us, ${columnsOf("task", [...TASK_COLUMNS, ...payloads])}
  from clock
  left join ${names.tasks} as task
    on task.task_id = any($1::text[])
   and (task.expires_at is null or task.expires_at > clock.now_us / 1000)`;
