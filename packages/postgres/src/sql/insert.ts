import { CLOCK_MS, CLOCK_US } from "./clock.ts";
import { columnsOf } from "./columns.ts";
import type { Names } from "./names.ts";

/**
 * Stores a new task, unless a visible one has its id. An expired one gives way, whole.
 *
 * Params: $1 task id, $2 create id, $3 scope, $4 generation, $5 status message, $6 ttl ms (null: for ever), $7 poll
 *   interval ms, $8 claim in ms, $9 metadata, $10 request, $11 not after, epoch µs.
 * Rows: one, `answer` being
 *   "put": stored; `now_us` is the clock reading of its birth;
 *   "found": a visible task has the id, and is the rest of the row (the same create id: it was stored before);
 *   "late": it is later than $11, nothing was stored; `now_us` alone is set.
 *   None: another transaction stored a task of that id after this statement's snapshot, which therefore cannot show
 *   it. A second statement can.
 * Errors: 22012 (division by zero), raised on purpose, undoes an insert that waited past $11 for a rival of the same id
 *   that then rolled back.
 * Clock: read once before a fresh insert. Where the id is taken, read once more behind the lock on that row: no task
 *   that is visible then is overwritten, and the new one's times are those of that reading.
 */
export const insertStatement = (names: Names): string => `\
with clock as materialized (
  select ${CLOCK_US} as now_us
),
found as materialized (
  select clock.now_us, ${columnsOf("task")}
    from clock
   cross join ${names.tasks} as task
   where task.task_id = $1::text
     and (task.expires_at is null or task.expires_at > clock.now_us / 1000)
),
put as (
  insert into ${names.tasks} as task (
    task_id, create_id, scope, generation, status_message, ttl_ms, poll_interval_ms, metadata, request,
    ring_ids, ring_revisions, status, attempts,
    revision, created_at, last_updated_at, expires_at, claim_by, due_at
  )
  select $1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint, $7::bigint, $9::text, $10::text,
         '{}'::text[], '{}'::bigint[], 'working', 0,
         clock.now_us, clock.now_us / 1000, clock.now_us / 1000, clock.now_us / 1000 + $6::bigint,
         clock.now_us / 1000 + $8::bigint,
         least(clock.now_us / 1000 + $6::bigint, clock.now_us / 1000 + $8::bigint)
    from clock
   where clock.now_us <= $11::bigint
     and not exists (select from found)
  on conflict (task_id) do update
     set (
           create_id, scope, generation, status_message, ttl_ms, poll_interval_ms, metadata, request,
           ring_ids, ring_revisions, inputs_id, status, run_until, attempts, cancel_requested_at, inputs,
           lease_token, lease_holder, lease_expires_at, outcome,
           revision, created_at, last_updated_at, expires_at, claim_by, due_at
         ) = (
           select excluded.create_id, excluded.scope, excluded.generation, excluded.status_message, excluded.ttl_ms,
                  excluded.poll_interval_ms, excluded.metadata, excluded.request,
                  '{}'::text[], '{}'::bigint[], null::text, 'working', null::bigint, 0, null::bigint, null::text,
                  null::bigint, null::text, null::bigint, null::text,
                  later.now_us, later.now_us / 1000, later.now_us / 1000, later.now_us / 1000 + $6::bigint,
                  later.now_us / 1000 + $8::bigint,
                  least(later.now_us / 1000 + $6::bigint, later.now_us / 1000 + $8::bigint)
             from (select ${CLOCK_US} as now_us) as later
         )
   where task.expires_at <= ${CLOCK_MS}
  returning ${columnsOf("task")}, 1 / (case when ${CLOCK_US} <= $11::bigint then 1 else 0 end) as in_time
)
select 'put' as answer, put.revision as now_us, ${columnsOf("put")} from put
union all
select 'found', found.now_us, ${columnsOf("found")} from found
union all
select 'late', clock.now_us, ${columnsOf("found")}
  from clock left join found on true
 where clock.now_us > $11::bigint and not exists (select from found)`;
