import { describe } from "vitest";
import { redisIsLeftOut } from "@mcp-task-store/services";
import { describeLostAnswers } from "../../../conformance/test/adapter-tests/lost-answers.ts";
import { breakableRedis } from "./breakable-redis.ts";

describe.skipIf(redisIsLeftOut())("on Redis", () => {
  describeLostAnswers(breakableRedis);
});
