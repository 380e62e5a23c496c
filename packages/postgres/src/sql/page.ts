import { CLOCK_US } from "./clock.ts";
import { columnsOf } from "./columns.ts";
import type { Names } from "./names.ts";

/** Whose tasks: each its own statement, so that each walks an index in listing order. */
export type PageScope = "any" | "owned" | "unowned";

const SCOPES: Readonly<Record<PageScope, { readonly condition: string; readonly order: string }>> = {
  any: { condition: "true", order: "" },
  owned: { condition: "task.scope = $5::text", order: "" },
  // One scope only; named all the same, because Postgres does not see that from "is null", and would sort.
  unowned: { condition: "task.scope is null", order: "task.scope, " },
};

/**
 * One page of a listing: newest first, then by task id descending, bytewise.
 *
 * Params: $1 limit; $2 createdAt, epoch ms, and $3 task id of the row before the page (the first page: an instant that
 *   no row reaches); $4 text[] of statuses, null for all; $5 scope, for "owned" only.
 * Rows: at least one, for `now_us`; its `task_id` is null if the page is empty. In listing order. Expired tasks and
 *   other statuses do not count towards the limit.
 */
export const pageStatement = (names: Names, scope: PageScope): string => `\
with clock as materialized (
  select ${CLOCK_US} as now_us
)
select clock.now_us, ${columnsOf("page")}
  from clock
  left join lateral (
    select ${columnsOf("task")}
      from ${names.tasks} as task
     where ${SCOPES[scope].condition}
       and (task.created_at, task.task_id) < ($2::bigint, $3::text collate "C")
       and (task.expires_at is null or task.expires_at > clock.now_us / 1000)
       and ($4::text[] is null or task.status = any($4::text[]))
     order by ${SCOPES[scope].order}task.created_at desc, task.task_id desc
     limit $1::bigint
  ) as page on true
 order by page.created_at desc, page.task_id desc`;
