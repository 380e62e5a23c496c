import { CLOCK } from "./record.ts";
import { listingMember } from "./indexes.ts";

/**
 * In a cluster: makes the entry of a task that is about to be stored in the listing of its owner.
 *
 * KEYS: 1 the listing. ARGV: 1 task id, 2 tag of its shard, 3 create id. Answer: epoch µs, the task's creation.
 */
export const PLAN_ENTRY: string = `\
${CLOCK}
local created = now
redis.call('ZADD', KEYS[1], 0, ${listingMember("ARGV[1]", "ARGV[2]", "ARGV[3]")})
return now_us
`;
