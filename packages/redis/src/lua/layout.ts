/**
 * KEYS: 1 where the layout's version is kept. ARGV: 1 the version of this package. Answer: the version that is kept, which
 * is this one where there was none.
 */
export const KNOW_LAYOUT: string = `\
local version = redis.call('GET', KEYS[1])
if version then return tonumber(version) end
redis.call('SET', KEYS[1], ARGV[1])
return tonumber(ARGV[1])
`;
