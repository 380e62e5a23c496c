/**
 * Pages of listings on a single server: index and tasks in one step. A call looks at so many entries at most, whatever
 * the listing holds, since no other caller is served meanwhile; it answers how far it came.
 */
import { CLOCK, ROW_FIELD_ARGUMENTS, STATE_NUMBERS } from "./record.ts";
import { HEAP } from "./indexes.ts";

const numberAt = (name: (typeof STATE_NUMBERS)[number]): number => STATE_NUMBERS.indexOf(name) * 8 + 1;

/** Entries fetched from an index at a time. */
const CHUNK = 128;
/** From each shard at first, since most have few entries of a page; four times as many the next time. */
const FIRST_CHUNK = 2;

/**
 * `take` judges one entry: true if the page is complete. It copies the texts of a row only where the row is shown: a
 * filter may reject thousands.
 * Entries without a task are removed as they are found; a server that takes no writes just now is asked again next time.
 */
const TAKE = `\
local prefix, limit, statuses, most = ARGV[1], tonumber(ARGV[2]), ARGV[4], tonumber(ARGV[5])
local rows, looked, place = {}, 0, ''
local function take(index, member, tag, id, create)
  looked = looked + 1
  place = string.sub(member, 1, 16) .. id
  local key = prefix .. '{' .. tag .. '}:t:' .. id
  local known = redis.call('HMGET', key, 'state', 'create', 'status')
  local state = known[1]
  if not state or (create and known[2] ~= create)
    or struct.unpack('<d', state, ${numberAt("created")}) ~= tonumber(string.sub(member, 1, 16))
  then
    redis.pcall('ZREM', index, member)
  else
    local expires = struct.unpack('<d', state, ${numberAt("expires")})
    if (expires < 0 or now < expires)
      and (statuses == '' or string.find(statuses, ',' .. known[3] .. ',', 1, true))
    then
      rows[#rows + 1] = id
      rows[#rows + 1] = redis.call('HMGET', key, ${ROW_FIELD_ARGUMENTS})
    end
  end
  return #rows >= 2 * limit
end
`;

/**
 * A page of an owner's listing.
 *
 * KEYS: 1 the listing.
 * ARGV: 1 prefix of all keys; 2 limit; 3 place behind which the page begins, or empty; 4 statuses, each between commas, or
 *   empty for any; 5 how many entries to look at.
 * Answer: { now µs, place up to which it looked, empty if nothing is left, { id, row, id, row … } }.
 */
export const PAGE_OF_OWNER: string = `\
${CLOCK}
${TAKE}
local from = ARGV[3] == '' and '+' or '(' .. ARGV[3]
while true do
  local members = redis.call('ZREVRANGEBYLEX', KEYS[1], from, '-', 'LIMIT', 0, ${CHUNK})
  for _, member in ipairs(members) do
    local id, tag, create = string.match(member, '^(.-)%z(..)(.*)$', 17)
    if take(KEYS[1], member, tag, id, create) or looked >= most then
      return { now_us, place, rows }
    end
    from = '(' .. member
  end
  if #members < ${CHUNK} then return { now_us, '', rows } end
end
`;

/**
 * A page of all tasks, or of those without an owner: the indexes of the shards, merged.
 *
 * KEYS: none. ARGV and answer as above; further 6 the name of the index.
 */
export const PAGE_OF_SHARDS: string = `\
${CLOCK}
${TAKE}
${HEAP}
-- Lua's own comparison goes by the server's locale.
local function is_before(a, b)
  for at = 1, math.min(#a, #b) do
    local x, y = string.byte(a, at), string.byte(b, at)
    if x ~= y then return x < y end
  end
  return #a < #b
end
-- Creations as numbers settle nearly every comparison.
local function before(a, b)
  if a.created ~= b.created then return a.created > b.created end
  return is_before(b.members[b.at], a.members[a.at])
end
local function go_to(source, at)
  local member = source.members[at]
  source.at, source.created = at, member and tonumber(string.sub(member, 1, 16))
  return member
end
local function fetch(source, from)
  source.members = redis.call('ZREVRANGEBYLEX', source.key, from, '-', 'LIMIT', 0, source.size)
  return go_to(source, 1)
end

local heap = {}
for shard = 0, 255 do
  local tag = string.format('%02x', shard)
  local source = { tag = tag, key = prefix .. '{' .. tag .. '}:' .. ARGV[6], size = ${FIRST_CHUNK} }
  if fetch(source, ARGV[3] == '' and '+' or '(' .. ARGV[3]) then heap[#heap + 1] = source end
end
build(heap, before)
while heap[1] do
  local source = heap[1]
  local member = source.members[source.at]
  if take(source.key, member, source.tag, string.sub(member, 17)) or looked >= most then
    return { now_us, place, rows }
  end
  if go_to(source, source.at + 1) then
    sift(heap, 1, before)
  else
    local size = source.size
    source.size = math.min(4 * size, ${CHUNK})
    if #source.members == size and fetch(source, '(' .. member) then sift(heap, 1, before) else drop_first(heap, before) end
  end
end
return { now_us, '', rows }
`;
