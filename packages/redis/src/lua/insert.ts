import { CLOCK, PACKED_STATE, ROW_FIELD_ARGUMENTS, ROW_FIELDS, setExpiry, unpackState } from "./record.ts";
import { dueMember, entry, listingMember, removeEntries } from "./indexes.ts";

const at = (field: (typeof ROW_FIELDS)[number]): number => ROW_FIELDS.indexOf(field) + 1;

/**
 * Stores a new task, unless a visible one has its id. An expired one gives way, whole. Equals `born` of core's
 * transitions.ts at the clock reading that it answers.
 *
 * KEYS: 1 task, 2 its messages, 3 due, 4 all, 5 unowned of its shard; 6 its owner's listing, on a single server.
 * ARGV: 1 task id; 2 tag of its shard; 3 create id; 4 owner in the stored form, or empty; 5 generation or empty; 6 ttl ms or
 *   -1; 7 poll interval ms; 8 claim in ms; 9 not after, epoch µs; 10 status message, 11 metadata, 12 request, each "="
 *   and the text, or empty for null; 13 prefix of all keys on a single server, else empty; 14 in a cluster, for a task
 *   with an owner: the instant of its entry in the listing, epoch µs, else empty; 15 how far from that the clock may be, µs.
 * Answer: { "inserted" | "exists", now µs, row, … } or { "late", now µs }. Behind the row of an inserted one: the owner, the
 *   creation and the create id of the expired one that gave way, if the driver has to remove its entry.
 *
 * An entry in a listing that lies in another slot was made before, at an instant that is the task's creation. It is
 * removed by others once it is older than 15 allows; hence nothing is stored later than that.
 */
export const INSERT: string = `\
${CLOCK}
local born_us = ARGV[14] ~= '' and tonumber(ARGV[14]) or now_us
local born = math.floor(born_us / 1000)
local old = redis.call('HMGET', KEYS[1], ${ROW_FIELD_ARGUMENTS})
local answer = { 'inserted', born_us, false }
local clean_up = false
if old[1] then
  local scope = old[${at("scope")}]
  ${unpackState(`old[${at("state")}]`)}
  -- One that was there at the instant of the entry and is not any more counts as there: the answer is of that instant.
  if not expires or now < expires or born < expires then
    local kind = old[${at("create")}] == ARGV[3] and 'inserted' or 'exists'
    return { kind, expires and now >= expires and born_us or now_us, old }
  end
  clean_up = function()
    ${removeEntries("call", { id: "ARGV[1]", tag: "ARGV[2]", create: `old[${at("create")}]`, due: "KEYS[3]", all: "KEYS[4]", unowned: "KEYS[5]", prefix: "ARGV[13]" })}
  end
  if scope and ARGV[13] == '' then answer[4], answer[5], answer[6] = scope, created, old[${at("create")}] end
end
if now_us > tonumber(ARGV[9]) or math.abs(now_us - born_us) > tonumber(ARGV[15]) then return { 'late', now_us } end

local scope = ARGV[4] ~= '' and ARGV[4]
local revision, created, updated, attempts, ring_size = born_us, born, born, 0, 0
local ttl, poll, claim = tonumber(ARGV[6]), tonumber(ARGV[7]), born + ARGV[8]
local expires = ttl >= 0 and born + ttl
local due = expires and math.min(expires, claim) or claim
local run, cancel, token, lease_end = false, false, false, false
local has_inputs_id, has_inputs, has_outcome = 0, 0, 0
local has_message, has_metadata = ARGV[10] ~= '' and 1 or 0, ARGV[11] ~= '' and 1 or 0
local message, metadata = has_message == 1 and string.sub(ARGV[10], 2), has_metadata == 1 and string.sub(ARGV[11], 2)
local state = ${PACKED_STATE}

redis.call('ZADD', KEYS[3], due, ${dueMember("ARGV[1]")})
redis.call('ZADD', KEYS[4], 0, ${entry("ARGV[1]")})
if not scope then redis.call('ZADD', KEYS[5], 0, ${entry("ARGV[1]")}) end
if KEYS[6] then redis.call('ZADD', KEYS[6], 0, ${listingMember("ARGV[1]", "ARGV[2]", "ARGV[3]")}) end
if clean_up then clean_up() end
redis.call('UNLINK', KEYS[1], KEYS[2])
local fields = { 'status', 'working', 'state', state, 'create', ARGV[3], 'ring', '' }
local function field(name, value)
  if value then
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
end
field('scope', scope)
field('generation', ARGV[5] ~= '' and ARGV[5])
field('message', message)
field('metadata', metadata)
field('request', ARGV[12] ~= '' and string.sub(ARGV[12], 2))
redis.call('HSET', KEYS[1], unpack(fields))
if expires then
  ${setExpiry("pcall", "KEYS[1]")}\
end
answer[3] = { 'working', state, scope, ARGV[3], ARGV[5] ~= '' and ARGV[5], '', false, false, message, false, metadata }
return answer
`;
