import { RING_SIZE } from "@mcp-task-store/core/transitions";
import { ROW_FIELDS, CLOCK, PACKED_STATE, ROW_FIELD_ARGUMENTS, setExpiry, unpackState } from "./record.ts";
import { dueMember } from "./indexes.ts";

const at = (field: (typeof ROW_FIELDS)[number]): number => ROW_FIELDS.indexOf(field) + 1;

/** Sets a text of the chosen alternative, if it sets one: the answer's row, and what HSET is given. */
const setText = (option: string, field: "message" | "metadata" | "inputs"): string => `\
if chosen.${option} then
  has_${field} = chosen.${option} > 0 and 1 or 0
  row[${at(field)}] = chosen.${option} > 0 and ARGV[10 + chosen.${option}] or ''
  fields[#fields + 1] = '${field}'
  fields[#fields + 1] = row[${at(field)}]
end
`;

/** The due time is a lower bound of every instant that is new. */
const dueAtLatest = (instant: string): string =>
  `if ${instant} and ${instant} ~= old_${instant} and (not due or ${instant} < due) then due = ${instant} end\n`;

/**
 * One conditional write. Equals `apply` of core's transitions.ts at the clock reading that it answers. Written without
 * functions: each run of a script would make them anew, which costs more than what they do.
 *
 * KEYS: 1 task, 2 its messages, 3 the due index of its shard. 2 and 3 may be left out: then it refuses by TRYAGAIN a write
 *   that would touch them, and has changed nothing.
 * ARGV: 1 task id; 2 scope: "*" any, "-" none, else "=" and the stored form; 3 write id; 4 not after, epoch µs; 5 "1" if
 *   quiet; 6 since which revision the ring must know all writes, 7 born by, epoch µs, 8 create id, or empty each; 9 the
 *   write id as a JSON string; 10 alternatives (core's encode-alternatives.ts); 11… their texts.
 * Answer: { "gone" } or { "written" | "refused", now µs, row }.
 */
export const WRITE: string = `\
${CLOCK}
local row = redis.call('HMGET', KEYS[1], ${ROW_FIELD_ARGUMENTS})
if not row[1] then return { 'gone' } end
local status, scope, ring = row[${at("status")}], row[${at("scope")}], row[${at("ring")}]
${unpackState(`row[${at("state")}]`)}
if expires and now >= expires then return { 'gone' } end
if ARGV[2] ~= '*' and ARGV[2] ~= (scope and '=' .. scope or '-') then return { 'gone' } end

-- The ring: lines of a revision and a write id, oldest first. In a JSON string no quote stands behind a space.
if string.find(ring, ' ' .. ARGV[9] .. '\\n', 1, true) then return { 'written', now_us, row } end
if now_us > tonumber(ARGV[4]) then return { 'refused', now_us, row } end
if ARGV[7] ~= '' and created > math.floor(ARGV[7] / 1000) then return { 'refused', now_us, row } end
if ARGV[8] ~= '' and row[${at("create")}] ~= ARGV[8] then return { 'refused', now_us, row } end
if ARGV[6] ~= '' and ring_size >= ${RING_SIZE} and tonumber(string.match(ring, '^%d+')) > tonumber(ARGV[6]) then
  return { 'refused', now_us, row }
end

local chosen
for _, alternative in ipairs(cjson.decode(ARGV[10])) do
  local guard = alternative.if_lease
  local live = token and now < lease_end
  if (alternative.if_open == nil or status == 'working' or status == 'input_required')
    and (alternative.if_status == nil or status == alternative.if_status)
    and (guard == nil or (guard == 'none' and not live) or (guard == 'live' and live)
      or (guard == 'token' and live and token == alternative.if_token)
      or (guard == 'lapsed' and token and not live and token == alternative.if_token))
    and (alternative.if_inputs == nil
      or (has_inputs_id == 1 and row[${at("inputsId")}]) == (alternative.if_inputs > 0 and ARGV[10 + alternative.if_inputs]))
    and (alternative.if_generation == nil or row[${at("generation")}] == alternative.if_generation)
    and (alternative.if_cancel_requested == nil or (cancel ~= false) == alternative.if_cancel_requested)
    and (alternative.if_attempts_below == nil or attempts < alternative.if_attempts_below)
    and (alternative.if_claim_over == nil or (claim and claim <= now))
    and (alternative.if_run_over == nil or (run and run <= now))
  then
    chosen = alternative
    break
  end
end
if not chosen then return { 'refused', now_us, row } end

local fields = {}
local old_expires, old_lease_end, old_claim, old_run, old_due = expires, lease_end, claim, run, due
if ARGV[5] ~= '1' then
  revision = math.max(revision + 1, now_us)
  updated = math.max(updated, now)
  if ring_size >= ${RING_SIZE} then
    ring = string.sub(ring, string.find(ring, '\\n', 1, true) + 1)
  else
    ring_size = ring_size + 1
  end
  row[${at("ring")}] = ring .. string.format('%.0f ', revision) .. ARGV[9] .. '\\n'
  fields[1], fields[2] = 'ring', row[${at("ring")}]
end

local life, age = ttl, 0
if chosen.set_ttl then
  life = chosen.to_ttl_ms ~= cjson.null and chosen.to_ttl_ms
  age = math.max(0, now - created)
end
ttl = life and age + life

local lease = chosen.lease
if lease == 'take' then
  token, lease_end = revision, now + chosen.lease_ms
  row[${at("holder")}] = ARGV[10 + chosen.holder]
  fields[#fields + 1] = 'holder'
  fields[#fields + 1] = row[${at("holder")}]
elseif lease == 'extend' then
  if token then lease_end = math.max(lease_end, now + chosen.lease_ms) end
elseif lease == 'drop' then
  token, lease_end = false, false
end

-- A lease holds its task beyond the ttl; nothing shortens the life of a leased task.
if chosen.restart_ttl then
  if not life or (token and not old_expires) then
    expires = false
  else
    expires = now + life
    if token then expires = math.max(expires, old_expires or 0, lease_end) end
  end
end
if expires and token and (lease == 'take' or lease == 'extend') then
  expires = math.max(expires, lease_end + chosen.grace_ms)
end

if chosen.set_claim then claim = chosen.claim_in_ms ~= cjson.null and now + chosen.claim_in_ms end
if chosen.set_run then run = chosen.run_in_ms ~= cjson.null and now + chosen.run_in_ms end
if chosen.to_poll_interval_ms then poll = chosen.to_poll_interval_ms end
if chosen.add_attempts then attempts = math.max(0, attempts + chosen.add_attempts) end
if chosen.request_cancel then cancel = cancel or now end
if chosen.to_status then
  row[${at("status")}] = chosen.to_status
  fields[#fields + 1] = 'status'
  fields[#fields + 1] = chosen.to_status
end
${setText("to_message", "message")}\
${setText("to_metadata", "metadata")}\
${setText("to_inputs", "inputs")}\
if chosen.to_inputs then
  has_inputs_id = 1
  row[${at("inputsId")}] = ARGV[3]
  fields[#fields + 1] = 'inputsId'
  fields[#fields + 1] = ARGV[3]
end
if chosen.to_outcome then
  has_outcome = chosen.to_outcome > 0 and 1 or 0
  fields[#fields + 1] = 'outcome'
  fields[#fields + 1] = chosen.to_outcome > 0 and ARGV[10 + chosen.to_outcome] or ''
end
${dueAtLatest("expires")}\
${dueAtLatest("lease_end")}\
${dueAtLatest("claim")}\
${dueAtLatest("run")}\

if not KEYS[2] and (due ~= old_due or expires ~= old_expires) then
  return redis.error_reply('TRYAGAIN not without its other keys')
end
if due ~= old_due then redis.call('ZADD', KEYS[3], due, ${dueMember("ARGV[1]")}) end
if expires ~= old_expires then
  ${setExpiry("call", "KEYS[1]", "KEYS[2]")}\
end
row[${at("state")}] = ${PACKED_STATE}
redis.call('HSET', KEYS[1], 'state', row[${at("state")}], unpack(fields))
return { 'written', now_us, row }
`;
