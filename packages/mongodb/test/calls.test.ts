/** What each call of the driver does, on its own and among others; what it means is compared in equals-reference. */
import { describe } from "vitest";
import { mongoIsLeftOut } from "@mcp-task-store/services";
import { describeInsert } from "../../../conformance/test/adapter-tests/insert.ts";
import { describeMessageRaces } from "../../../conformance/test/adapter-tests/message-races.ts";
import { describeMessages } from "../../../conformance/test/adapter-tests/messages.ts";
import { describeRaces } from "../../../conformance/test/adapter-tests/races.ts";
import { describeReadAndPage } from "../../../conformance/test/adapter-tests/read-and-page.ts";
import { describeRemoveAndDue } from "../../../conformance/test/adapter-tests/remove-and-due.ts";
import { describeWrite } from "../../../conformance/test/adapter-tests/write.ts";
import { scratchMongo } from "./scratch-mongo.ts";

describe.skipIf(mongoIsLeftOut())("on MongoDB", () => {
  describeInsert(scratchMongo);
  describeWrite(scratchMongo);
  describeReadAndPage(scratchMongo);
  describeRemoveAndDue(scratchMongo);
  describeRaces(scratchMongo);
  describeMessages(scratchMongo);
  describeMessageRaces(scratchMongo);
});
