import { CLOCK_US } from "./clock.ts";
import { columnsOf } from "./columns.ts";
import type { Names } from "./names.ts";

/**
 * Maintenance's look at what is due. Equals `afterLook` of core's transitions.ts for each row it takes.
 *
 * Params: $1 how many rows at most; $2 ms for which rows with work are hidden from others.
 * Rows: at least one, for `now_us`, `purged` (ids of the deleted, or null) and `more` (the limit left some out); the
 *   tasks with work, `task_id` null if there are none.
 * Clock: read once, and in a subquery: the index on due_at needs a value that stands still. Rows are locked without
 *   waiting (another process that holds one looks at it), so no reading can become old; a row that was changed between
 *   the statement's start and its lock is judged by its new version.
 * Locks: one row more than $1, to know `more`.
 */
export const dueStatement = (names: Names): string => `\
with clock as materialized (
  select ${CLOCK_US} as now_us
),
picked as materialized (
  select task.task_id, task.due_at, task.expires_at, task.lease_expires_at, task.claim_by, task.run_until
    from ${names.tasks} as task
   where task.due_at <= (select clock.now_us / 1000 from clock)
   order by task.due_at
   limit $1::bigint + 1
     for update skip locked
),
looked as materialized (
  select picked.task_id,
         coalesce(picked.expires_at <= clock.now_us / 1000, false) as expired,
         coalesce(least(picked.lease_expires_at, picked.claim_by, picked.run_until) <= clock.now_us / 1000, false) as work,
         (select min(instant) from unnest(array[picked.expires_at, picked.lease_expires_at, picked.claim_by, picked.run_until]) as instant
           where instant > clock.now_us / 1000) as next_at,
         clock.now_us / 1000 + $2::bigint as held_until
    from (select * from picked order by picked.due_at limit $1::bigint) as picked
   cross join clock
),
purged as (
  delete from ${names.tasks} as task
   using looked
   where task.task_id = looked.task_id and looked.expired
  returning task.task_id
),
moved as (
  update ${names.tasks} as task
     set due_at = case when looked.work then least(looked.held_until, looked.next_at) else looked.next_at end
    from looked
   where task.task_id = looked.task_id and not looked.expired
  returning looked.work, ${columnsOf("task")}
)
select clock.now_us,
       (select array_agg(purged.task_id) from purged) as purged,
       (select count(*) from picked) > $1::bigint as more,
       ${columnsOf("moved")}
  from clock
  left join moved on moved.work`;
