import { describe } from "vitest";
import { mongoIsLeftOut } from "@mcp-task-store/services";
import { describeLostMessages } from "../../../conformance/test/adapter-tests/lost-messages.ts";
import { breakableMongo } from "./breakable-mongo.ts";

describe.skipIf(mongoIsLeftOut())("on MongoDB", () => {
  describeLostMessages(breakableMongo);
});
