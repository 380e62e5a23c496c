/**
 * The messages of a task: one hash beside its own. Each has a number, in the order of the pushes; since takes hand out
 * the oldest, what a receipt was handed is a range of numbers, and what is not kept any more is a range from the
 * beginning. Fields: "i" + message id → number; "n" and "x" + number → message id and text, while kept; "r" + receipt →
 * first and behind the last number; "a" + first number → handed out at, behind the last number. "tail": number of the
 * next message; "head": of the next to be handed out; "kept": of the first whose text is kept.
 */
import { CLOCK, PACKED_STATE, setExpiry, unpackState } from "./record.ts";

/** Fields named in one command: Lua can hand over a few thousand values at most. */
const AT_ONCE = 1_000;

/** Answers for both where there is no task, or not the one that is meant. @param bornBy epoch µs, or empty */
const findTask = (bornBy: string): string => `\
local task = redis.call('HMGET', KEYS[1], 'status', 'state')
if not task[1] then return { 'gone' } end
local status = task[1]
${unpackState("task[2]")}
if expires and now >= expires then return { 'gone' } end
if ${bornBy} ~= '' and created > math.floor(${bornBy} / 1000) then return { 'gone' } end
`;

/**
 * Equals \`pushMessage\` of core's message-queue.ts.
 *
 * KEYS: 1 task, 2 its messages.
 * ARGV: 1 message id; 2 text; 3 "1" if only to an open task; 4 how many may wait; 5 not after, 6 born by, epoch µs, the
 *   latter may be empty.
 * Answer: { "gone" } or { "pushed" | "late" | "refused" | "full", now µs }.
 */
export const PUSH: string = `\
${CLOCK}
${findTask("ARGV[6]")}
local found = redis.call('HMGET', KEYS[2], 'i' .. ARGV[1], 'head', 'tail')
if found[1] then return { 'pushed', now_us } end
if now_us > tonumber(ARGV[5]) then return { 'late', now_us } end
if ARGV[3] == '1' and status ~= 'working' and status ~= 'input_required' then return { 'refused', now_us } end
local head, tail = tonumber(found[2] or 0), tonumber(found[3] or 0)
if tail - head >= tonumber(ARGV[4]) then return { 'full', now_us } end
revision = math.max(revision + 1, now_us)
-- First: a revision that moved for nothing does no harm, a message that woke nobody would.
redis.call('HSET', KEYS[1], 'state', ${PACKED_STATE})
redis.call('HSET', KEYS[2], 'i' .. ARGV[1], tail, 'n' .. tail, ARGV[1], 'x' .. tail, ARGV[2], 'tail', tail + 1)
if tail == 0 then
  ${setExpiry("pcall", "KEYS[2]")}\
end
return { 'pushed', now_us }
`;

/**
 * Equals \`takeMessages\` of core's message-queue.ts.
 *
 * KEYS: 1 task, 2 its messages.
 * ARGV: 1 receipt; 2 how many at most, empty for all; 3 for how long what was handed out is kept, ms; 4 not after, 5 born
 *   by, epoch µs, the latter may be empty.
 * Answer: { "gone" }, { "spent" | "late", now µs } or { "taken", now µs, { id, text, id, text … } }.
 */
export const TAKE: string = `\
${CLOCK}
${findTask("ARGV[5]")}
local function texts(from, to)
  local all = {}
  for first = from, to - 1, ${AT_ONCE} do
    local names = {}
    for number = first, math.min(first + ${AT_ONCE}, to) - 1 do
      names[#names + 1] = 'n' .. number
      names[#names + 1] = 'x' .. number
    end
    for _, value in ipairs(redis.call('HMGET', KEYS[2], unpack(names))) do all[#all + 1] = value end
  end
  return all
end
local found = redis.call('HMGET', KEYS[2], 'r' .. ARGV[1], 'head', 'tail', 'kept')
local head, tail, kept = tonumber(found[2] or 0), tonumber(found[3] or 0), tonumber(found[4] or 0)
if found[1] then
  local from, to = string.match(found[1], '^(%d+) (%d+)$')
  if tonumber(from) < kept then return { 'spent', now_us } end
  return { 'taken', now_us, texts(tonumber(from), tonumber(to)) }
end
if now_us > tonumber(ARGV[4]) then return { 'late', now_us } end

local still = kept
while still < head do
  local handed_at, to = string.match(redis.call('HGET', KEYS[2], 'a' .. still), '^(%d+) (%d+)$')
  if tonumber(handed_at) > now - ARGV[3] then break end
  still = tonumber(to)
end
local to = ARGV[2] == '' and tail or math.min(tail, head + ARGV[2])
if to > head or still > kept then
  local fields = { 'kept', still }
  if to > head then
    fields[3], fields[4], fields[5], fields[6] = 'head', to, 'r' .. ARGV[1], head .. ' ' .. to
    fields[7], fields[8] = 'a' .. head, string.format('%.0f %.0f', now, to)
  end
  redis.call('HSET', KEYS[2], unpack(fields))
end
for first = kept, still - 1, ${AT_ONCE} do
  local names = {}
  for number = first, math.min(first + ${AT_ONCE}, still) - 1 do
    names[#names + 1] = 'n' .. number
    names[#names + 1] = 'x' .. number
    names[#names + 1] = 'a' .. number
  end
  redis.pcall('HDEL', KEYS[2], unpack(names))
end
return { 'taken', now_us, texts(head, to) }
`;
