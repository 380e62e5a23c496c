/** A database whose connections a test breaks, and whose writes it holds. */
import { pollUntil } from "@mcp-task-store/services";
import type { BreakableServer } from "../../../conformance/test/adapter-tests/breakable.ts";
import type { TcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";
import { createPostgresTaskStore } from "../src/index.ts";
import { configOf, SCHEMA, scratchDatabase } from "./scratch-database.ts";

export async function breakableDatabase(): Promise<BreakableServer> {
  const database = await scratchDatabase();
  const backends = (condition: string): Promise<readonly { pid: number }[]> =>
    database.sql<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and ${condition}`,
    );
  return {
    target: database.url,
    stored: (taskId) => database.stored(taskId),
    openStore: (callTimeoutMs, proxy?: TcpProxy) =>
      createPostgresTaskStore({
        config: configOf(proxy === undefined ? database.url : proxy.through(database.url)),
        schema: SCHEMA,
        hints: "poll",
        maintenance: false,
        callTimeoutMs,
      }),
    async hold() {
      const holder = await database.session();
      await holder.query("begin");
      // Reads pass, writes wait.
      await holder.query(`lock table ${SCHEMA}.tasks in exclusive mode`);
      let pid: number | undefined;
      return {
        async untilWaiting() {
          const find = async (): Promise<number | undefined> => (await backends("wait_event_type = 'Lock'"))[0]?.pid;
          pid = await pollUntil(find, { what: "the write to wait" });
        },
        async lose() {
          await database.sql("select pg_terminate_backend($1)", [pid]);
          await pollUntil(async () => (await backends(`pid = ${pid}`)).length === 0, { what: "its end" });
        },
        async release() {
          await holder.query("rollback");
        },
      };
    },
    untilCaughtUp: async (_store, proxy) => {
      await pollUntil(() => proxy.connections === 0, { what: "the connection that was given up to end" });
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
