import { describe } from "vitest";
import { postgresIsLeftOut } from "@mcp-task-store/services";
import { describeRaces } from "../../../conformance/test/adapter-tests/races.ts";
import { scratchDatabase } from "./scratch-database.ts";

describe.skipIf(postgresIsLeftOut())("on Postgres", () => {
  describeRaces(scratchDatabase);
});
