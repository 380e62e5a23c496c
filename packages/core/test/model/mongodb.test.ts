import { freshTestMongo, mongoIsLeftOut } from "@mcp-task-store/services";
import { createMongoDriver } from "../../../mongodb/src/index.ts";
import { describeModelOn } from "./on-a-server.ts";

describeModelOn({
  name: "MongoDB",
  isLeftOut: mongoIsLeftOut(),
  // The stand-in takes some ten milliseconds for a call.
  runs: 15,
  place: async () => {
    const { url, database, ...mongo } = await freshTestMongo();
    return {
      open: () => createMongoDriver({ connectionString: url, database, collection: "model", poolSize: 2 }),
      [Symbol.asyncDispose]: async () => await mongo[Symbol.asyncDispose](),
    };
  },
});
