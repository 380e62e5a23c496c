import type { Names } from "../sql/names.ts";

/**
 * The table of tasks. On an empty schema: no lock that anybody could wait for.
 *
 * - Instants are bigint epoch ms, revisions and lease tokens epoch µs. Payloads are text: jsonb would reorder keys and
 *   refuse \u0000.
 * - Indexes are on what ordinary writes leave alone, so that those stay heap-only (HOT) updates; fillfactor 80 keeps
 *   room on the page for them. `due_at` is a lower bound, so heartbeats do not move it: an index on lease or status
 *   would cost every heartbeat its HOT update.
 * - collate "C": ids are compared bytewise, whatever the database's locale.
 */
export const tasksMigration = (names: Names): string => `\
create table if not exists ${names.tasks} (
  task_id text collate "C" primary key,
  scope text collate "C",
  generation text,
  create_id text not null,
  revision bigint not null,
  ring_ids text[] not null,
  ring_revisions bigint[] not null,
  inputs_id text,
  status text not null,
  status_message text,
  created_at bigint not null,
  last_updated_at bigint not null,
  ttl_ms bigint,
  poll_interval_ms bigint not null,
  expires_at bigint,
  claim_by bigint,
  run_until bigint,
  attempts integer not null,
  cancel_requested_at bigint,
  inputs text,
  metadata text,
  lease_token bigint,
  lease_holder text,
  lease_expires_at bigint,
  due_at bigint,
  request text,
  outcome text
) with (fillfactor = 80);
create index if not exists tasks_by_scope on ${names.tasks} (scope, created_at desc, task_id desc);
create index if not exists tasks_by_creation on ${names.tasks} (created_at desc, task_id desc);
create index if not exists tasks_by_due on ${names.tasks} (due_at);
`;
