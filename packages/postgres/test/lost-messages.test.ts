import { describe } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { describeLostMessages } from "../../../conformance/test/adapter-tests/lost-messages.ts";
import { breakableDatabase } from "./breakable-database.ts";

describe.skipIf(postgresIsLeftOut())("on Postgres", () => {
  describeLostMessages(breakableDatabase);
});
