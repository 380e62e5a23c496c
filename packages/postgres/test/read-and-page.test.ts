import { describe } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { describeReadAndPage } from "../../../conformance/test/adapter-tests/read-and-page.ts";
import { scratchDatabase } from "./scratch-database.ts";

describe.skipIf(postgresIsLeftOut())("on Postgres", () => {
  describeReadAndPage(scratchDatabase);
});
