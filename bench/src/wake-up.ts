/** How long from a finish in one store to the waiter in another, beside the finish alone? */
import type { TaskStore } from "@mcp-task-store/core";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { alternate, type Measured } from "./alternate.ts";
import { DONE } from "./done.ts";

export async function wakeUp(url: string, rounds: number): Promise<readonly Measured[]> {
  const open = (): TaskStore =>
    createPostgresTaskStore({ connectionString: url, maintenance: false, safetyPollMs: 60_000 });
  const worker = open();
  const client = open();
  try {
    await worker.setup();
    const openTask = async (): Promise<string> => (await worker.createTask()).taskId;
    let alone = await openTask();
    let waitedFor = await openTask();
    return await alternate(
      [
        {
          name: "finish alone, and create the next",
          run: async () => {
            await worker.finishTask(alone, DONE);
            alone = await openTask();
          },
        },
        {
          name: "finish, woken in another store, and create the next",
          run: async () => {
            const woken = client.waitForOutcome(waitedFor);
            await worker.finishTask(waitedFor, DONE);
            await woken;
            waitedFor = await openTask();
          },
        },
      ],
      rounds,
    );
  } finally {
    await Promise.all([worker.close(), client.close()]);
  }
}
