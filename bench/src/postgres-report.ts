/** What does one report cost beside the same guarded update written by hand? */
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { Pool } from "pg";
import { alternate, type Measured } from "./alternate.ts";

const BY_HAND = {
  name: "by-hand",
  text: `update by_hand set status_message = $2, revision = revision + 1
          where task_id = $1 and status in ('working', 'input_required')
            and (expires_at is null or expires_at > extract(epoch from clock_timestamp()) * 1000)
      returning *`,
};

export async function postgresReport(url: string, rounds: number): Promise<readonly Measured[]> {
  const pool = new Pool({ connectionString: url, max: 1 });
  const store = createPostgresTaskStore({ connectionString: url, poolSize: 1, maintenance: false });
  try {
    await store.setup();
    await pool.query(
      "create table by_hand (task_id text primary key, status text, status_message text, revision bigint, expires_at bigint) with (fillfactor = 80)",
    );
    await pool.query("insert into by_hand values ('t', 'working', null, 1, null)");
    const { taskId } = await store.createTask();
    let n = 0;
    const message = (): string => `report ${(n += 1)}`;
    return await alternate(
      [
        {
          name: "prepared statement by hand",
          run: async () => void (await pool.query({ ...BY_HAND, values: ["t", message()] })),
        },
        {
          name: "store.updateTask",
          run: async () => void (await store.updateTask(taskId, { statusMessage: message() })),
        },
      ],
      rounds,
    );
  } finally {
    await store.close();
    await pool.end();
  }
}
