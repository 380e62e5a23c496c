import { CLOCK_MS, CLOCK_US } from "./clock.ts";
import type { Names } from "./names.ts";

/**
 * Deletes a visible task of a scope.
 *
 * Params: $1 task id; $2 any scope (trusted code), $3 scope (null: unowned); $4 not after, epoch µs.
 * Rows: none: gone. One: `removed`, or, if not, it is later than $4 and the task is still there.
 * Clock: read once, after the row is locked.
 */
export const removeStatement = (names: Names): string => `\
with locked as materialized (
  select task.expires_at
    from ${names.tasks} as task
   where task.task_id = $1::text
     and ($2::boolean or task.scope is not distinct from $3::text)
     and (task.expires_at is null or task.expires_at > ${CLOCK_MS})
     for update
),
clock as materialized (
  select locked.expires_at, ${CLOCK_US} as now_us from locked
),
seen as materialized (
  select clock.now_us <= $4::bigint as in_time
    from clock
   where clock.expires_at is null or clock.expires_at > clock.now_us / 1000
),
removed as (
  delete from ${names.tasks} as task
   using seen
   where task.task_id = $1::text and seen.in_time
)
select seen.in_time as removed from seen`;
