/**
 * Listings of owners in a cluster, where no script reaches both a task and its entry. What removes a task removes the
 * entry in a second step, which may be lost; so may a create between its entry and its task. Hence each tag has a list
 * of the owners whose listings lie there, by when maintenance is to look through the listing again.
 */
import { listingMember } from "./indexes.ts";
import { CLOCK, STATE_NUMBERS } from "./record.ts";

/** How long after its first entry, and after a look through all of it, a listing is looked through. ms */
export const SWEEP_EVERY_MS = 600_000;

const CREATED_AT = STATE_NUMBERS.indexOf("created") * 8 + 1;

/**
 * Makes the entry of a task that is about to be stored in the listing of its owner.
 *
 * KEYS: 1 the listing, 2 the owners of its tag. ARGV: 1 task id, 2 tag of its shard, 3 create id, 4 owner in the stored form.
 * Answer: epoch µs, the task's creation.
 */
export const PLAN_ENTRY: string = `\
${CLOCK}
local created = now
redis.call('ZADD', KEYS[2], 'NX', now + ${SWEEP_EVERY_MS}, ARGV[4])
redis.call('ZADD', KEYS[1], 0, ${listingMember("ARGV[1]", "ARGV[2]", "ARGV[3]")})
return now_us
`;

/** Of a listing without entries nothing stays. Needs the same keys as below. */
const FORGET_IF_EMPTY = `\
local function forget_if_empty()
  if redis.call('ZREVRANGEBYLEX', KEYS[1], '+', '-', 'LIMIT', 0, 1)[1] then return false end
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('HDEL', KEYS[3], ARGV[1])
  return true
end
`;

/**
 * Removes entries from a listing.
 *
 * KEYS: 1 the listing, 2 the owners of its tag, 3 how far each was looked through. ARGV: 1 owner in the stored form; 2, 3
 *   between which all entries go, as ranges of ZREMRANGEBYLEX are written, or empty; 4… single entries.
 */
export const UNLIST: string = `\
${FORGET_IF_EMPTY}
if ARGV[2] ~= '' then redis.call('ZREMRANGEBYLEX', KEYS[1], ARGV[2], ARGV[3]) end
for at = 4, #ARGV do redis.call('ZREM', KEYS[1], ARGV[at]) end
forget_if_empty()
`;

/**
 * The next entries of a listing that is looked through, from the newest to the oldest over several calls.
 *
 * KEYS and ARGV 1 as above; 2 how many. Answer: the entries.
 */
export const NEXT_LISTED: string = `\
${CLOCK}
${FORGET_IF_EMPTY}
if forget_if_empty() then return {} end
local place = redis.call('HGET', KEYS[3], ARGV[1])
local entries = redis.call('ZREVRANGEBYLEX', KEYS[1], place and '(' .. place or '+', '-', 'LIMIT', 0, ARGV[2])
if #entries < tonumber(ARGV[2]) then
  redis.call('HDEL', KEYS[3], ARGV[1])
  redis.call('ZADD', KEYS[2], now + ${SWEEP_EVERY_MS}, ARGV[1])
else
  redis.call('HSET', KEYS[3], ARGV[1], entries[#entries])
  redis.call('ZADD', KEYS[2], now, ARGV[1])
end
return entries
`;

/**
 * What tells an entry's task from another one under its id.
 *
 * KEYS: tasks. Answer: { now µs, … }, for each key in its place: { creation, create id }, or nil if there is no task.
 */
export const BIRTHS: string = `\
${CLOCK}
local answer = { now_us }
for at, key in ipairs(KEYS) do
  local task = redis.call('HMGET', key, 'state', 'create')
  answer[at + 1] = task[1] and { struct.unpack('<d', task[1], ${CREATED_AT}), task[2] } or false
end
return answer
`;
