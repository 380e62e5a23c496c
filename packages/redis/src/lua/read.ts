import { CLOCK, ROW_FIELD_ARGUMENTS, STATE_NUMBERS } from "./record.ts";

const EXPIRES_AT = STATE_NUMBERS.indexOf("expires") * 8 + 1;

/**
 * KEYS: tasks. ARGV: further fields of each, in the order of their answers.
 * Answer: { now µs, … }, for each key in its place: the row; 0 if it has expired; nil if there is none.
 */
export const READ: string = `\
${CLOCK}
local answer = { now_us }
for at, key in ipairs(KEYS) do
  local row = redis.call('HMGET', key, ${ROW_FIELD_ARGUMENTS}, unpack(ARGV))
  if row[1] then
    local expires = struct.unpack('<d', row[2], ${EXPIRES_AT})
    answer[at + 1] = (expires < 0 or now < expires) and row or 0
  else
    answer[at + 1] = false
  end
end
return answer
`;
