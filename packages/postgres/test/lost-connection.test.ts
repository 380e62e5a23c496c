import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import { NEVER, newId, newTask, plain, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { configOf, SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";
import { tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

const finish = { when: { open: true }, then: { set: { status: "completed" } } } as const;

describe.skipIf(postgresIsLeftOut())("a connection that is lost", () => {
  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  /** Runs `call` while the table is locked, and `meanwhile` with the pid that waits for it. */
  async function whileWaiting(
    call: () => Promise<unknown>,
    meanwhile: (pid: number) => Promise<unknown>,
  ): Promise<unknown> {
    const holder = await database.session();
    await holder.query("begin");
    await holder.query(`lock table ${SCHEMA}.tasks in access exclusive mode`);
    const outcome = call().then(
      (value) => ({ value }),
      (error: unknown) => error,
    );
    const pid = await pollUntil(
      async () => {
        const [row] = await database.sql<{ pid: number }>(
          "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        return row?.pid;
      },
      { what: "the call to wait" },
    );
    await meanwhile(pid);
    const settled = await outcome;
    await holder.query("rollback");
    return settled;
  }

  const terminate = (pid: number): Promise<unknown> => database.sql("select pg_terminate_backend($1)", [pid]);
  const cancel = (pid: number): Promise<unknown> => database.sql("select pg_cancel_backend($1)", [pid]);
  const calls = {
    write: () => database.driver.write(writeTo(newId("task"), { alternatives: [finish] })),
    insert: () => database.driver.insert(newTask()),
    remove: () => database.driver.remove({ taskId: newId("task"), notAfterUs: NEVER }),
    read: () => database.driver.read([newId("task")]),
    page: () => database.driver.page({ limit: 1 }),
    due: () => database.driver.due(1, 1),
  };

  it.each([
    ["write", "WRITE_OUTCOME_UNKNOWN"],
    ["insert", "WRITE_OUTCOME_UNKNOWN"],
    ["remove", "WRITE_OUTCOME_UNKNOWN"],
    ["read", "STORE_UNAVAILABLE"],
    ["page", "STORE_UNAVAILABLE"],
    ["due", "STORE_UNAVAILABLE"],
  ] as const)("makes the outcome of %s %s when the server ends it", async (name, code) => {
    expect(await whileWaiting(calls[name], terminate)).toMatchObject({ code });
    // The next call has another connection.
    expect(await database.driver.read([])).toMatchObject({ rows: [] });
  });

  it.each(["write", "insert", "remove", "read"] as const)(
    "is not what a cancelled %s is: that wrote nothing",
    async (name) => {
      expect(await whileWaiting(calls[name], cancel)).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    },
  );

  it("does no harm while it is idle", async () => {
    const driver = database.another({ poolSize: 2 });
    await Promise.all([driver.read([]), driver.read([])]);
    await database
      .sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      )
      .catch(() => {});
    const answer = await pollUntil(() => driver.read([]).catch(() => undefined), { what: "a new connection" });
    expect(answer).toMatchObject({ rows: [] });
  });

  it("hides that a write was committed, and the error says it does not know", async () => {
    await using proxy = await tcpProxy({ target: database.url });
    const driver = database.another({ config: configOf(proxy.through(database.url)), hints: "poll" });
    const { taskId } = plain();
    await database.plant({ taskId });
    await driver.read([]);
    const held = proxy.holdAnswers({ whenRequestIncludes: taskId });
    const write = driver.write(writeTo(taskId, { alternatives: [finish] })).catch((error: unknown) => error);
    await held.arrived;
    proxy.cut();
    expect(await write).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
    expect(await database.stored(taskId)).toMatchObject({ status: "completed" });
    proxy.heal();
    expect(await driver.read([taskId])).toMatchObject({ rows: [{ status: "completed" }] });
  });

  it("was never made: nothing was written, and no secret is shown", async () => {
    await using proxy = await tcpProxy({ target: database.url });
    proxy.cut();
    const config = { ...configOf(proxy.through(database.url)), password: "hunter2-secret" };
    const driver = database.another({ config });
    const error: unknown = await driver
      .write(writeTo("a", { alternatives: [finish] }))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    expect(error instanceof Error ? `${error.message} ${error.stack}` : "").not.toContain("hunter2");
  });

  it("is not there to write on a server that is read-only", async () => {
    const config = { ...configOf(database.url), options: "-c default_transaction_read_only=on" };
    const driver = database.another({ config });
    const attempt = driver.insert(newTask());
    await expect(attempt).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("25006"),
    });
  });

  it("comes back for a lock_timeout: nothing was written", async () => {
    const driver = database.another({ config: { ...configOf(database.url), lock_timeout: 50 } });
    const holder = await database.session();
    await holder.query("begin");
    await holder.query(`lock table ${SCHEMA}.tasks in access exclusive mode`);
    // The server says that it waited for the lock: nobody has to see it do so within 50 ms.
    await expect(driver.write(writeTo(newId("task"), { alternatives: [finish] }))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      cause: { code: "55P03" },
    });
    await holder.query("rollback");
  });
});
