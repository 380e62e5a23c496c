import type { LuaCall } from "./record.ts";

/**
 * Sorted sets that find tasks: for each shard its tasks by when they are due, all of them, and those without an owner;
 * and for each owner, in a shard of the owner's, the listing. A task's entries begin with its creation, 16 digits of
 * epoch ms, and its id: where all scores are 0 their order is that of listings. In the due index the score is the due
 * time, and the owner stands behind the id, so that a task that the server itself expired leaves enough to clean up by.
 * In an owner's listing the task's shard and its `create` stand behind the id: a task that was planned but never made
 * is never mistaken for a later one; lua/listed.ts looks after such listings. The parts are kept apart by a NUL, which ids do not have.
 */

/** The beginning of all entries of a task. Needs a variable `created`. */
export const entry = (id: string): string => `string.format('%016.0f', created) .. ${id}`;

/** Needs variables `created` and `scope`: the stored form, false without an owner. */
export const dueMember = (id: string): string => `${entry(id)} .. (scope and '\\0' .. scope or '')`;

/** The key of an owner's listing; in a cluster another node may have it. Needs a variable `scope`. */
export const listingKey = (prefix: string): string =>
  `${prefix} .. '{' .. string.sub(scope, 1, 2) .. '}:s:' .. string.sub(scope, 3)`;

/** A task's entry in its owner's listing. Needs a variable `created`. */
export const listingMember = (id: string, tag: string, create: string): string =>
  `${entry(id)} .. '\\0' .. ${tag} .. ${create}`;

/** Lua expressions of what belongs to one task. */
export interface TaskExpressions {
  readonly id: string;
  readonly tag: string;
  readonly create: string;
  readonly due: string;
  readonly all: string;
  readonly unowned: string;
  /** Of all keys, on a single server; empty in a cluster, where the driver removes the entry of the listing. */
  readonly prefix: string;
}

/** Removes all entries of a task. Needs variables `created` and `scope`. */
export const removeEntries = (
  call: LuaCall,
  { id, tag, create, due, all, unowned, prefix }: TaskExpressions,
): string => `\
redis.${call}('ZREM', ${due}, ${dueMember(id)})
redis.${call}('ZREM', ${all}, ${entry(id)})
if not scope then
  redis.${call}('ZREM', ${unowned}, ${entry(id)})
elseif ${prefix} ~= '' then
  redis.${call}('ZREM', ${listingKey(prefix)}, ${listingMember(id, tag, create)})
end
`;

/** The same where the task is gone already, and its `create` with it. */
export const removeDeadEntries = ({
  id,
  due,
  all,
  unowned,
  prefix,
}: Omit<TaskExpressions, "tag" | "create">): string => `\
redis.call('ZREM', ${due}, ${dueMember(id)})
redis.call('ZREM', ${all}, ${entry(id)})
if not scope then
  redis.call('ZREM', ${unowned}, ${entry(id)})
elseif ${prefix} ~= '' then
  local from = ${entry(id)}
  redis.call('ZREMRANGEBYLEX', ${listingKey(prefix)}, '[' .. from .. '\\0', '(' .. from .. '\\1')
end
`;

/**
 * A heap of sources, each a list with a place in it; the first of all comes first. `before(a, b)` compares sources by
 * what they have at their places.
 */
export const HEAP: string = `\
local function sift(heap, at, before)
  while true do
    local first, left = at, at * 2
    if heap[left] and before(heap[left], heap[first]) then first = left end
    if heap[left + 1] and before(heap[left + 1], heap[first]) then first = left + 1 end
    if first == at then return end
    heap[at], heap[first] = heap[first], heap[at]
    at = first
  end
end
local function build(heap, before)
  for at = math.floor(#heap / 2), 1, -1 do sift(heap, at, before) end
end
local function drop_first(heap, before)
  heap[1] = heap[#heap]
  heap[#heap] = nil
  if heap[1] then sift(heap, 1, before) end
end
`;
