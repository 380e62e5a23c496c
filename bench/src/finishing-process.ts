/** Another process: finishes the tasks whose ids it is sent. Argument: the database. Ends with its parent. */
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { DONE } from "./done.ts";

const store = createPostgresTaskStore({ connectionString: process.argv[2], maintenance: false });
process.on("message", (taskId) => {
  void store.finishTask(String(taskId), DONE);
});
process.once("disconnect", () => void store.close());
// Its connection is made before anything is measured.
await store.getTask("nobody");
process.send?.("ready");
