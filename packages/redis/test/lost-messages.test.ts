import { describe } from "vitest";
import { redisIsLeftOut } from "@mcp-task-store/services";
import { describeLostMessages } from "../../../conformance/test/adapter-tests/lost-messages.ts";
import { breakableRedis } from "./breakable-redis.ts";

describe.skipIf(redisIsLeftOut())("on Redis", () => {
  describeLostMessages(breakableRedis);
});
