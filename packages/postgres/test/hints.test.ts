import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import type { HintListener, TaskDriver } from "@mcp-task-store/core";
import { newId } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { configOf, SCHEMA, type ScratchDatabase, scratchDatabase } from "./scratch-database.ts";
import { tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

class Heard implements HintListener {
  readonly taskIds = new Set<string>();
  gaps = 0;

  onHint(taskIds: readonly string[]): void {
    for (const taskId of taskIds) this.taskIds.add(taskId);
  }

  onGap(): void {
    this.gaps += 1;
  }

  /** Resolves once these were heard of; rejects at a deadline. */
  async has(...taskIds: readonly string[]): Promise<true> {
    await pollUntil(() => taskIds.every((taskId) => this.taskIds.has(taskId)), { what: "the hints" });
    return true;
  }
}

describe.skipIf(postgresIsLeftOut())("hints", () => {
  let database: ScratchDatabase;
  beforeAll(async () => {
    database = await scratchDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  async function subscribed(driver: TaskDriver): Promise<{ heard: Heard; unsubscribe: () => Promise<void> }> {
    const heard = new Heard();
    const unsubscribe = await driver.hints?.subscribe(heard);
    if (unsubscribe === undefined) throw new Error("the driver has no hints");
    return { heard, unsubscribe };
  }

  function listeners(): Promise<readonly { application: string }[]> {
    return database.sql<{ application: string }>(
      `select application_name as application from pg_stat_activity
        where datname = current_database() and query ilike 'listen %'`,
    );
  }

  it("reach every process that listens, the sender's too", async () => {
    const other = database.another();
    const here = await subscribed(database.driver);
    const there = await subscribed(other);
    const ids = [newId("task"), 'odd "id" \\ \' 😀'];
    await database.driver.hints?.publish(ids);
    expect(await here.heard.has(...ids)).toBe(true);
    expect(await there.heard.has(...ids)).toBe(true);
    await other.close();
    await here.unsubscribe();
  });

  it("carry thousands of ids at once", async () => {
    const { heard, unsubscribe } = await subscribed(database.driver);
    const ids = Array.from({ length: 3_000 }, () => newId("task"));
    await database.another().hints?.publish(ids);
    expect(await heard.has(...ids)).toBe(true);
    await unsubscribe();
  });

  it("stay inside their schema", async () => {
    const { heard, unsubscribe } = await subscribed(database.driver);
    await database.another({ schema: "another" }).hints?.publish(["foreign"]);
    await database.driver.hints?.publish(["own"]);
    expect(await heard.has("own")).toBe(true);
    expect(heard.taskIds).toEqual(new Set(["own"]));
    await unsubscribe();
  });

  it("take one connection for all subscriptions, and none without", async () => {
    const config = { ...configOf(database.url), application_name: "one for all" };
    const driver = database.another({ config });
    const listening = async (): Promise<number> =>
      (await listeners()).filter(({ application }) => application === config.application_name).length;
    const subscriptions = await Promise.all([subscribed(driver), subscribed(driver), subscribed(driver)]);
    expect(await listening()).toBe(1);
    await subscriptions[0]?.unsubscribe();
    await driver.hints?.publish(["still"]);
    expect(await subscriptions[1]?.heard.has("still")).toBe(true);
    expect(subscriptions[0]?.heard.taskIds.size).toBe(0);
    await subscriptions[1]?.unsubscribe();
    await subscriptions[2]?.unsubscribe();
    await pollUntil(async () => (await listening()) === 0, { what: "LISTEN to end" });
    const again = await subscribed(driver);
    await driver.hints?.publish(["again"]);
    expect(await again.heard.has("again")).toBe(true);
    await driver.close();
  });

  it("come back after the connection was lost, with a gap", async () => {
    const driver = database.another();
    const { heard } = await subscribed(driver);
    expect(heard.gaps).toBe(0);
    await database.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen %'",
    );
    await pollUntil(() => heard.gaps > 0, { what: "the gap" });
    await driver.hints?.publish(["afterwards"]);
    expect(await heard.has("afterwards")).toBe(true);
    expect(heard.gaps).toBe(1);
    await driver.close();
  });

  it("are tried again when the server cannot be reached at first", async () => {
    await using proxy = await tcpProxy({ target: database.url });
    proxy.cut();
    const driver = database.another({ config: configOf(proxy.through(database.url)) });
    const { heard } = await subscribed(driver);
    await expect(driver.hints?.publish(["lost"])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(heard.gaps).toBe(0);
    proxy.heal();
    await pollUntil(() => heard.gaps > 0, { what: "the gap" });
    await driver.hints?.publish(["afterwards"]);
    expect(await heard.has("afterwards")).toBe(true);
    await driver.close();
  });

  it("work over a client of a pool that was given", async () => {
    const pool = new Pool({ connectionString: database.url, max: 2 });
    pool.on("error", () => {});
    const driver = database.another({ pool });
    const { heard } = await subscribed(driver);
    await driver.hints?.publish(["pooled"]);
    expect(await heard.has("pooled")).toBe(true);
    await driver.close();
    await pool.end();
  });

  it("are a gap when somebody else sends nonsense", async () => {
    const { heard, unsubscribe } = await subscribed(database.driver);
    await database.sql("select pg_notify($1, 'nonsense')", [`mcp_task_store:${SCHEMA}`]);
    await pollUntil(() => heard.gaps > 0, { what: "the gap" });
    expect(heard.taskIds.size).toBe(0);
    await unsubscribe();
  });

  it("are absent when polling was asked for", () => {
    const driver = database.another({ hints: "poll" });
    expect(driver.hints).toBeUndefined();
    expect(driver.capabilities.pushHints).toBe(false);
  });
});
