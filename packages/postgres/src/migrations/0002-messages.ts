import { CLOCK_MS, CLOCK_US } from "../sql/clock.ts";
import type { Names } from "../sql/names.ts";

/**
 * Messages of tasks, and the two functions that put them in and hand them out.
 *
 * Lock: creating the trigger waits for the writes to `tasks` that are under way and keeps new ones waiting for as long;
 * itself it takes an instant, whatever the size of the table.
 *
 * - Functions, because both look at other rows than the one they lock. A statement sees other rows as they were when it
 *   began: waiting for the task's lock, it would count the messages, and look for an id or a receipt, as of before the
 *   commit that it waited for. Each statement inside a function begins when it is reached, behind the lock.
 * - `place` is the revision that the push gave the task: commit order. `message` becomes null once it need not be kept;
 *   the row stays, for its id and its receipt.
 * - The trigger, because its statement sees what was committed until then too: a message that was pushed while a delete
 *   waited for the row goes with it. It fires for deletes, and where a new task takes the place of an expired one.
 */
export const messagesMigration = (names: Names): string => `\
create table if not exists ${names.messages} (
  task_id text collate "C" not null,
  create_id text collate "C" not null,
  message_id text collate "C" not null,
  place bigint not null,
  receipt text collate "C",
  handed_at bigint,
  message text,
  primary key (task_id, create_id, message_id)
);
create index if not exists messages_waiting on ${names.messages} (task_id, create_id, place) where receipt is null;
create index if not exists messages_by_receipt on ${names.messages} (task_id, create_id, receipt) where receipt is not null;
create index if not exists messages_kept on ${names.messages} (task_id, create_id, handed_at)
  where receipt is not null and message is not null;

create or replace function ${names.pushMessage}(
  for_task text, new_id text, new_message text, only_open boolean, max_size bigint, not_after_us bigint,
  born_by_us bigint, out answer text, out now_us bigint
) language plpgsql as $$
declare
  seen record;
begin
  ${lockTask(names, "return;")}
  if exists (
    select from ${names.messages} as kept
     where kept.task_id = for_task and kept.create_id = seen.create_id and kept.message_id = new_id
  ) then
    answer := 'pushed';
  elsif now_us > not_after_us then
    answer := 'late';
  elsif only_open and seen.status not in ('working', 'input_required') then
    answer := 'refused';
  elsif max_size <= (
    select count(*)
      from (select from ${names.messages} as kept
             where kept.task_id = for_task and kept.create_id = seen.create_id and kept.receipt is null
             limit max_size) as waiting
  ) then
    answer := 'full';
  else
    answer := 'pushed';
    update ${names.tasks} as task
       set revision = greatest(task.revision + 1, now_us)
     where task.task_id = for_task
    returning task.revision into seen.revision;
    insert into ${names.messages} (task_id, create_id, message_id, place, message)
    values (for_task, seen.create_id, new_id, seen.revision, new_message);
  end if;
end $$;

create or replace function ${names.takeMessages}(
  for_task text, to_receipt text, at_most bigint, keep_ms bigint, not_after_us bigint, born_by_us bigint
) returns table (answer text, now_us bigint, message_id text, message text) language plpgsql as $$
declare
  seen record;
begin
  ${lockTask(names, "return next; return;")}
  return query
    select case when kept.message is null then 'spent' else 'taken' end, now_us, kept.message_id, kept.message
      from ${names.messages} as kept
     where kept.task_id = for_task and kept.create_id = seen.create_id and kept.receipt = to_receipt
     order by kept.place;
  if found then return; end if;
  if now_us > not_after_us then
    answer := 'late';
    return next;
    return;
  end if;
  update ${names.messages} as kept
     set message = null
   where kept.task_id = for_task and kept.create_id = seen.create_id
     and kept.receipt is not null and kept.message is not null and kept.handed_at <= now_us / 1000 - keep_ms;
  return query
    with picked as materialized (
      select kept.message_id
        from ${names.messages} as kept
       where kept.task_id = for_task and kept.create_id = seen.create_id and kept.receipt is null
       order by kept.place
       limit at_most
    ),
    given as (
      update ${names.messages} as kept
         set receipt = to_receipt, handed_at = now_us / 1000
        from picked
       where kept.task_id = for_task and kept.create_id = seen.create_id and kept.message_id = picked.message_id
      returning kept.place, kept.message_id, kept.message
    )
    select 'taken', now_us, given.message_id, given.message from given order by given.place;
  if found then return; end if;
  answer := 'taken';
  return next;
end $$;

create or replace function ${names.forgetMessages}() returns trigger language plpgsql as $$
begin
  delete from ${names.messages} as kept where kept.task_id = old.task_id;
  return null;
end $$;
create or replace trigger forget_messages after delete or update of create_id on ${names.tasks}
  for each row execute function ${names.forgetMessages}();
`;

/** Locks the task, then reads the clock; answers for both functions where there is none, or not the one that is meant. */
function lockTask(names: Names, leave: string): string {
  return `\
select task.create_id, task.revision, task.status, task.expires_at, task.created_at into seen
    from ${names.tasks} as task
   where task.task_id = for_task
     and (task.expires_at is null or task.expires_at > ${CLOCK_MS})
     for no key update;
  if found then
    now_us := ${CLOCK_US};
    if seen.expires_at <= now_us / 1000 or seen.created_at > born_by_us / 1000 then now_us := null; end if;
  end if;
  if now_us is null then
    answer := 'gone';
    ${leave}
  end if;`;
}
