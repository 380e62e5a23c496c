import { freshTestDatabase, postgresIsLeftOut } from "@mcp-task-store/services";
import { createPostgresDriver } from "../../../postgres/src/index.ts";
import { describeModelOn } from "./on-a-server.ts";

describeModelOn({
  name: "Postgres",
  isLeftOut: postgresIsLeftOut(),
  place: async () => {
    const database = await freshTestDatabase();
    return {
      open: () => createPostgresDriver({ connectionString: database.url, schema: "model", poolSize: 2 }),
      [Symbol.asyncDispose]: () => database.drop(),
    };
  },
});
