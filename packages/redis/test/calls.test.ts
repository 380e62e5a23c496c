/** What each call of the driver does, on its own and among others; what it means is compared in equals-reference. */
import { describe } from "vitest";
import { redisIsLeftOut } from "@mcp-task-store/services";
import { describeInsert } from "../../../conformance/test/adapter-tests/insert.ts";
import { describeMessageRaces } from "../../../conformance/test/adapter-tests/message-races.ts";
import { describeMessages } from "../../../conformance/test/adapter-tests/messages.ts";
import { describeRaces } from "../../../conformance/test/adapter-tests/races.ts";
import { describeReadAndPage } from "../../../conformance/test/adapter-tests/read-and-page.ts";
import { describeRemoveAndDue } from "../../../conformance/test/adapter-tests/remove-and-due.ts";
import { describeWrite } from "../../../conformance/test/adapter-tests/write.ts";
import { scratchRedisCluster } from "./scratch-cluster.ts";
import { scratchRedis } from "./scratch-redis.ts";

describe.skipIf(redisIsLeftOut()).each([
  ["a single server", scratchRedis],
  ["a cluster", scratchRedisCluster],
] as const)("on %s", (_where, open) => {
  describeInsert(open);
  describeWrite(open);
  describeReadAndPage(open);
  describeRemoveAndDue(open);
  describeRaces(open);
  describeMessages(open);
  describeMessageRaces(open);
});
