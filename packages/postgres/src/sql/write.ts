import { RING_SIZE } from "@mcp-task-store/core/transitions";
import { ALTERNATIVE_COLUMNS } from "./alternatives.ts";
import { CLOCK_MS, CLOCK_US } from "./clock.ts";
import { columnsOf } from "./columns.ts";
import type { Names } from "./names.ts";

/**
 * One conditional write: the first alternative whose guards hold is applied. Equals `apply` of core's transitions.ts at
 * the clock reading that it returns. The text is fixed, so that it can be a named prepared statement.
 *
 * Params: $1 task id; $2 any scope (trusted code), $3 scope (null: unowned); $4 write id; $5 not after, epoch µs;
 *   $6 quiet; $7 jsonb array of alternatives (see alternatives.ts); $8 text[] of their texts, referred to by position
 *   from 1, where 0 is null: payloads never pass through jsonb, which refuses \u0000 and reorders keys; $9 since which
 *   revision the ring must know all writes, $10 epoch µs by which the task was created, $11 its create id, or null each.
 * Rows: none: gone (unknown, foreign, expired). One: `written`, `now_us`, and the task as written; or, not written,
 *   exactly the task that the guards saw. A write id that is in the ring counts as written.
 * Clock: read once, after the row is locked.
 * Locks: the task's row, if it is in scope and not expired: nobody waits for another's task.
 * Indexes: none touched unless `due_at` moves, so a heartbeat is a HOT update.
 * Shape: most of its cost is setting up the plan, per column and step; so each step carries only what the next needs.
 *   The rows are found by $1 each time: joined by id, a plan made while the table was small would scan it.
 */
export const writeStatement = (names: Names): string => `\
with locked as materialized (
  select ${columnsOf("task")}
    from ${names.tasks} as task
   where task.task_id = $1::text
     and ($2::boolean or task.scope is not distinct from $3::text)
     and (task.expires_at is null or task.expires_at > ${CLOCK_MS})
     for no key update
),
clocked as materialized (
  select locked.*, ${CLOCK_US} as now_us from locked
),
decided as materialized (
  select ${DECIDED}
    from clocked as seen
   cross join lateral (select seen.now_us / 1000 as now_ms) as clock
   cross join lateral (${FIRST_THAT_HOLDS}) as choice
   cross join lateral (${NEW_REVISION_AND_LEASE}) as fresh
   cross join lateral (${NEW_TIMES}) as timed
   cross join lateral (${NEW_EXPIRY}) as alive
   where ${VISIBLE} and $4::text <> all(seen.ring_ids) and seen.now_us <= $5::bigint and ${RING_PROVES}
),
updated as (
  update ${names.tasks} as task
     set revision = decided.revision,
         ring_ids = decided.ring_ids,
         ring_revisions = decided.ring_revisions,
         inputs_id = decided.inputs_id,
         status = decided.status,
         status_message = decided.status_message,
         last_updated_at = decided.last_updated_at,
         ttl_ms = decided.ttl_ms,
         poll_interval_ms = decided.poll_interval_ms,
         expires_at = decided.expires_at,
         claim_by = decided.claim_by,
         run_until = decided.run_until,
         attempts = decided.attempts,
         cancel_requested_at = decided.cancel_requested_at,
         inputs = decided.inputs,
         metadata = decided.metadata,
         lease_token = decided.lease_token,
         lease_holder = decided.lease_holder,
         lease_expires_at = decided.lease_expires_at,
         due_at = decided.due_at,
         outcome = case when decided.to_outcome is null then task.outcome else ($8::text[])[decided.to_outcome] end
    from decided
   where task.task_id = $1::text
  returning true as written, decided.now_us, ${columnsOf("task")}
)
select * from updated
union all
select $4::text = any(seen.ring_ids), seen.now_us, ${columnsOf("seen")}
  from clocked as seen
 where ${VISIBLE} and not exists (select from decided)`;

/** As `ringProves`: a repeat of a write whose answer was lost needs a ring that reaches back to before its first attempt. */
const RING_PROVES = `
     coalesce(seen.create_id = $11::text, true)
     and coalesce(seen.created_at <= $10::bigint / 1000, true)
     and ($9::bigint is null or cardinality(seen.ring_revisions) < ${RING_SIZE} or seen.ring_revisions[1] <= $9::bigint)`;

const VISIBLE = "(seen.expires_at is null or seen.expires_at > seen.now_us / 1000)";

/** The guards, as in `holds`. */
const FIRST_THAT_HOLDS = `
     select choice.*
       from rows from (jsonb_to_recordset($7::jsonb) as (
              ${Object.entries(ALTERNATIVE_COLUMNS)
                .map(([column, type]) => `${column} ${type}`)
                .join(", ")}
            )) with ordinality as choice
      where (choice.if_open is null or seen.status in ('working', 'input_required'))
        and (choice.if_status is null or seen.status = choice.if_status)
        and case choice.if_lease
              when 'none' then seen.lease_expires_at is null or seen.lease_expires_at <= now_ms
              when 'live' then coalesce(seen.lease_expires_at > now_ms, false)
              when 'token' then coalesce(seen.lease_expires_at > now_ms and seen.lease_token = choice.if_token, false)
              when 'lapsed' then coalesce(seen.lease_expires_at <= now_ms and seen.lease_token = choice.if_token, false)
              else true
            end
        and (choice.if_inputs is null or seen.inputs_id is not distinct from ($8::text[])[choice.if_inputs])
        and (choice.if_generation is null or seen.generation is not distinct from choice.if_generation)
        and (choice.if_cancel_requested is null or (seen.cancel_requested_at is not null) = choice.if_cancel_requested)
        and (choice.if_attempts_below is null or seen.attempts < choice.if_attempts_below)
        and (choice.if_claim_over is null or coalesce(seen.claim_by <= now_ms, false))
        and (choice.if_run_over is null or coalesce(seen.run_until <= now_ms, false))
      order by choice.ordinality
      limit 1`;

/** "offset 0" here and below: Postgres would copy the expression into each of its many uses, and set up every copy. */
const NEW_REVISION_AND_LEASE = `
     select case when $6::boolean then seen.revision else greatest(seen.revision + 1, seen.now_us) end as revision,
            case when choice.set_ttl then choice.to_ttl_ms else seen.ttl_ms end as ttl_ms, -- from now on
            case choice.lease
              when 'drop' then null
              when 'take' then now_ms + choice.lease_ms
              when 'extend' then case when seen.lease_expires_at is not null
                                      then greatest(seen.lease_expires_at, now_ms + choice.lease_ms) end
              else seen.lease_expires_at
            end as lease_expires_at
     offset 0`;

/** greatest() skips nulls, which mean "for ever" here: hence the cases. */
const NEW_TIMES = `
     select case when not coalesce(choice.restart_ttl, false) then seen.expires_at
                 when fresh.ttl_ms is null then null
                 when fresh.lease_expires_at is null then now_ms + fresh.ttl_ms
                 when seen.expires_at is null then null
                 else greatest(now_ms + fresh.ttl_ms, seen.expires_at, fresh.lease_expires_at)
            end as base_expires_at,
            case when choice.set_claim then now_ms + choice.claim_in_ms else seen.claim_by end as claim_by,
            case when choice.set_run then now_ms + choice.run_in_ms else seen.run_until end as run_until`;

const NEW_EXPIRY = `
     select case when timed.base_expires_at is null or fresh.lease_expires_at is null
                      or choice.lease is null or choice.lease = 'drop' then timed.base_expires_at
                 else greatest(timed.base_expires_at, fresh.lease_expires_at + choice.grace_ms)
            end as expires_at
     offset 0`;

/** What the row becomes, as in `changed`. nullif: an instant that did not change does not count towards due_at. */
const DECIDED = `seen.now_us,
         fresh.revision,
         case when $6::boolean then seen.ring_ids
              else (seen.ring_ids || $4::text)[greatest(cardinality(seen.ring_ids) - 6, 1):] end as ring_ids,
         case when $6::boolean then seen.ring_revisions
              else (seen.ring_revisions || fresh.revision)[greatest(cardinality(seen.ring_revisions) - 6, 1):] end as ring_revisions,
         case when choice.to_inputs is null then seen.inputs_id else $4::text end as inputs_id,
         coalesce(choice.to_status, seen.status) as status,
         case when choice.to_message is null then seen.status_message else ($8::text[])[choice.to_message] end as status_message,
         case when $6::boolean then seen.last_updated_at else greatest(seen.last_updated_at, now_ms) end as last_updated_at,
         fresh.ttl_ms + case when choice.set_ttl then greatest(0, now_ms - seen.created_at) else 0 end as ttl_ms,
         coalesce(choice.to_poll_interval_ms, seen.poll_interval_ms) as poll_interval_ms,
         alive.expires_at,
         timed.claim_by,
         timed.run_until,
         greatest(0, seen.attempts + coalesce(choice.add_attempts, 0)) as attempts,
         case when choice.request_cancel then coalesce(seen.cancel_requested_at, now_ms)
              else seen.cancel_requested_at end as cancel_requested_at,
         case when choice.to_inputs is null then seen.inputs else ($8::text[])[choice.to_inputs] end as inputs,
         case when choice.to_metadata is null then seen.metadata else ($8::text[])[choice.to_metadata] end as metadata,
         case choice.lease when 'drop' then null when 'take' then fresh.revision else seen.lease_token end as lease_token,
         case choice.lease when 'drop' then null when 'take' then ($8::text[])[choice.holder] else seen.lease_holder end as lease_holder,
         fresh.lease_expires_at,
         least(seen.due_at, nullif(alive.expires_at, seen.expires_at),
               nullif(fresh.lease_expires_at, seen.lease_expires_at),
               nullif(timed.claim_by, seen.claim_by), nullif(timed.run_until, seen.run_until)) as due_at,
         choice.to_outcome`;
