import { CLOCK, PACKED_STATE, ROW_FIELD_ARGUMENTS, ROW_FIELDS, unpackState } from "./record.ts";
import { HEAP, removeDeadEntries, removeEntries } from "./indexes.ts";

const at = (field: (typeof ROW_FIELDS)[number]): number => ROW_FIELDS.indexOf(field) + 1;

/** Entries fetched from an index at a time. */
const CHUNK = 8;
/** Entries without a task that one call removes beside its limit, and tasks that it cannot do anything about. */
const MOST_DEAD = 1_000;

/**
 * Tells the due index. A server whose memory is full refuses that, but not what frees memory: a task that it refuses
 * stays as it is, and does not keep those behind it from being purged.
 */
const setDue = `\
if not next_due then
  redis.call('ZREM', due_key, member)
elseif type(redis.pcall('ZADD', due_key, next_due, member)) == 'table' then
  return 'refused'
end
`;

/** Where nothing could be done the call fails as the refused one did: this changes no score, and is refused alike. */
const failLikeThat = (key: string, member: string): string => `redis.call('ZADD', ${key}, 'XX', 'INCR', 0, ${member})`;

/**
 * `look(…)` looks at one task at the instant `at_ms`. Equals `afterLook` of core's transitions.ts.
 * @returns "purge", the id, the owner, the creation and the create id; "work", the id and the row; "later"; "none": the
 *   entry was wrong, and is not any more; "dead": there is no such task any more, the id, the owner and the creation
 */
const LOOK = `\
local function look(prefix, tag, task, messages, due_key, all, unowned, member, at_ms, hold_ms)
  local id, scope = string.match(member, '^(.-)%z(.*)$', 17)
  if not id then id, scope = string.sub(member, 17), false end
  local row = redis.call('HMGET', task, ${ROW_FIELD_ARGUMENTS})
  local created = tonumber(string.sub(member, 1, 16))
  local entry_created = created
  if row[1] then
    ${unpackState(`row[${at("state")}]`)}
    if created == entry_created then
      if not due or due > at_ms then
        local next_due = due
        ${setDue}
        return 'none'
      end
      if expires and expires <= at_ms then
        redis.call('UNLINK', task, messages)
        ${removeEntries("call", { id: "id", tag: "tag", create: `row[${at("create")}]`, due: "due_key", all: "all", unowned: "unowned", prefix: "prefix" })}
        return 'purge', id, scope or '', created, row[${at("create")}]
      end
      local ahead, work = false, false
      for at = 1, 4 do
        local instant = at == 1 and expires or at == 2 and token and lease_end or at == 3 and claim or at == 4 and run
        if instant and instant <= at_ms then work = true end
        if instant and instant > at_ms and (not ahead or instant < ahead) then ahead = instant end
      end
      local next_due = ahead
      if work then
        next_due = at_ms + hold_ms
        if ahead and ahead < next_due then next_due = ahead end
      end
      ${setDue}
      due = next_due
      row[${at("state")}] = ${PACKED_STATE}
      redis.call('HSET', task, 'state', row[${at("state")}])
      if work then return 'work', id, row end
      return 'later'
    end
  end
  ${removeDeadEntries({ id: "id", due: "due_key", all: "all", unowned: "unowned", prefix: "prefix" })}
  return 'dead', id, scope or '', created
end
`;

/**
 * Changes nothing, and is refused by a replica: a process that only reads and waits would else not notice for as long as
 * nothing is due that its server has been demoted. It comes last: after a script's first write the server does not
 * refuse it any more for want of memory.
 */
const REFUSE_ON_REPLICA = `\
local probe = redis.pcall('ZREM', prefix .. '{00}:due', '')
if type(probe) == 'table' and string.find(probe.err, 'READONLY', 1, true) then return probe end
`;

/**
 * Maintenance's look at what is due, on a single server: the due indexes of all shards, merged. A replica refuses it.
 *
 * KEYS: none. ARGV: 1 prefix of all keys; 2 how many tasks at most; 3 ms for which tasks with work are hidden.
 * Answer: { now µs, 1 if the limit cut it short else 0, { id, row, id, row … }, { ids of the purged } }.
 */
export const DUE: string = `\
${CLOCK}
${HEAP}
${LOOK}
local prefix, limit, hold_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local function before(a, b) return tonumber(a.entries[a.at + 1]) < tonumber(b.entries[b.at + 1]) end
-- From the beginning each time: what was looked at has left or comes later, but for what is hidden for no time at all.
local seen = {}
local function fetch(source)
  local found = redis.call('ZRANGEBYSCORE', source.key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, ${CHUNK} + source.stayed)
  source.entries, source.at, source.more = {}, 1, #found == 2 * (${CHUNK} + source.stayed)
  for at = 1, #found, 2 do
    if not seen[found[at]] then
      source.entries[#source.entries + 1] = found[at]
      source.entries[#source.entries + 1] = found[at + 1]
    end
  end
  return source.entries[1]
end
local heap = {}
for shard = 0, 255 do
  local tag = string.format('%02x', shard)
  local key = prefix .. '{' .. tag .. '}:due'
  -- Most have nothing that is due.
  if redis.call('ZCOUNT', key, '-inf', now) > 0 then
    local source = { tag = tag, shard = prefix .. '{' .. tag .. '}:', key = key, stayed = 0 }
    fetch(source)
    heap[#heap + 1] = source
  end
end
build(heap, before)
local rows, purged, looked, dead, refused = {}, {}, 0, 0, false
while heap[1] and looked < limit and dead < ${MOST_DEAD} do
  local source = heap[1]
  local shard, member = source.shard, source.entries[source.at]
  local id = string.match(member, '^(.-)%z', 17) or string.sub(member, 17)
  local what, found, row = look(prefix, source.tag, shard .. 't:' .. id, shard .. 'm:' .. id, source.key, shard .. 'all',
    shard .. 'unowned', member, now, hold_ms)
  if what == 'purge' then
    purged[#purged + 1] = found
  elseif what == 'work' then
    rows[#rows + 1] = found
    rows[#rows + 1] = row
    if hold_ms == 0 then
      seen[member] = true
      source.stayed = source.stayed + 1
    end
  end
  if what == 'refused' then
    refused = refused or { source.key, member }
    seen[member] = true
    source.stayed = source.stayed + 1
  end
  if what == 'dead' or what == 'none' or what == 'refused' then dead = dead + 1 else looked = looked + 1 end
  source.at = source.at + 2
  if source.entries[source.at] then
    sift(heap, 1, before)
  elseif source.more and fetch(source) then
    sift(heap, 1, before)
  else
    drop_first(heap, before)
  end
end
if refused and looked == 0 then ${failLikeThat("refused[1]", "refused[2]")} end
${REFUSE_ON_REPLICA}
return { now_us, heap[1] and 1 or 0, rows, purged }
`;

/**
 * What is due in one shard, in a cluster: nothing is changed.
 *
 * KEYS: 1 due, 2 the owners of the tag. ARGV: 1 how many at most.
 * Answer: { now µs, { entry, due at, entry, due at … }, { owner, since } }, earliest first; the owner is the one whose
 *   listing waits longest to be looked through, if any does.
 */
export const PEEK_DUE: string = `\
${CLOCK}
return {
  now_us,
  redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1]),
  redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
}
`;

/**
 * Looks at some of what was due in one shard, in a cluster.
 *
 * KEYS: 1 due, 2 all, 3 unowned, and for each entry its task and its messages.
 * ARGV: 1 tag of the shard; 2 epoch ms: the instant of the look, not ahead of the clock; 3 ms for which tasks with work
 *   are hidden; 4… the entries.
 * Answer: for each entry what \`look\` returned, as a list.
 */
export const LOOK_AT_DUE: string = `\
${LOOK}
local answer, done, refused = {}, false, false
for at = 4, #ARGV do
  local task = KEYS[2 * at - 4]
  answer[#answer + 1] = { look('', ARGV[1], task, KEYS[2 * at - 3], KEYS[1], KEYS[2], KEYS[3], ARGV[at], tonumber(ARGV[2]), tonumber(ARGV[3])) }
  if answer[#answer][1] == 'refused' then refused = ARGV[at] else done = true end
end
if refused and not done then ${failLikeThat("KEYS[1]", "refused")} end
return answer
`;
