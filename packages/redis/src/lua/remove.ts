import { CLOCK, unpackState } from "./record.ts";
import { removeEntries } from "./indexes.ts";

/**
 * Deletes a visible task of that scope, with everything that belongs to it.
 *
 * KEYS: 1 task, 2 its messages, 3 due, 4 all, 5 unowned of its shard.
 * ARGV: 1 task id; 2 tag of its shard; 3 scope: "*" any, "-" none, else "=" and the stored form; 4 not after, epoch µs;
 *   5 prefix of all keys on a single server, else empty.
 * Answer: { "gone" }, { "late" } or { "removed" }; the last with the owner, the creation and the create id if the driver
 *   has to remove the entry in the listing.
 */
export const REMOVE: string = `\
${CLOCK}
local row = redis.call('HMGET', KEYS[1], 'state', 'scope', 'create')
if not row[1] then return { 'gone' } end
local scope = row[2]
${unpackState("row[1]")}
if expires and now >= expires then return { 'gone' } end
if ARGV[3] ~= '*' and ARGV[3] ~= (scope and '=' .. scope or '-') then return { 'gone' } end
if now_us > tonumber(ARGV[4]) then return { 'late' } end
redis.call('UNLINK', KEYS[1], KEYS[2])
${removeEntries("pcall", { id: "ARGV[1]", tag: "ARGV[2]", create: "row[3]", due: "KEYS[3]", all: "KEYS[4]", unowned: "KEYS[5]", prefix: "ARGV[5]" })}
if scope and ARGV[5] == '' then return { 'removed', scope, created, row[3] } end
return { 'removed' }
`;
