import { describe } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { describeLostAnswers } from "../../../conformance/test/adapter-tests/lost-answers.ts";
import { breakableDatabase } from "./breakable-database.ts";

describe.skipIf(postgresIsLeftOut())("on Postgres", () => {
  describeLostAnswers(breakableDatabase);
});
