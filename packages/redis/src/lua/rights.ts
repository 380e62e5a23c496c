/**
 * Tries every command that scripts run, so that a missing right is found before a call needs it. On a key that is not
 * there they do nothing; the one that HSET makes is gone at the end.
 *
 * KEYS: 1 any that no task has. Answer: the names of the commands that this user may not run.
 */
export const RIGHTS: string = `\
local lacking = {}
local function may(...)
  local answer = redis.pcall(...)
  local problem = type(answer) == 'table' and answer.err
  -- Some versions give no code to what they say of a script's user.
  local refused = problem and (string.find(problem, 'NOPERM', 1, true)
    or string.find(problem, 'ACL failure', 1, true) or string.find(problem, 'user executing the script', 1, true))
  if refused then lacking[#lacking + 1] = (...) end
  return not refused
end
local key = KEYS[1]
may('TIME')
may('GET', key)
may('SET', key, '', 'XX')
may('HGET', key, 'a')
may('HMGET', key, 'a')
may('HDEL', key, 'a')
may('PERSIST', key)
may('PEXPIREAT', key, 1)
may('ZADD', key, 'XX', 0, 'a')
may('ZREM', key, 'a')
may('ZCOUNT', key, 0, 0)
may('ZRANGEBYSCORE', key, 0, 0)
may('ZREVRANGEBYLEX', key, '+', '-')
may('ZREMRANGEBYLEX', key, '-', '+')
if may('UNLINK', key) then
  may('HSET', key, 'a', '')
  redis.pcall('UNLINK', key)
end
return lacking
`;
