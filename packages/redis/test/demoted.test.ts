/** A server that was demoted to a replica is left, also by a process that writes nothing. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { pollUntil, type RedisService, redisIsLeftOut, startRedis } from "@mcp-task-store/services";
import { newTask } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { createRedisDriver, type RedisDriverOptions } from "../src/index.ts";

describe.skipIf(redisIsLeftOut())("a server that is demoted", () => {
  let service: RedisService;
  let control: Redis;
  beforeAll(async () => {
    // The server of REDIS_URL has other users.
    service = await startRedis({ fast: true, notFrom: ["env"] });
    control = new Redis(service.url);
  });
  afterAll(async () => {
    control.disconnect();
    await service.stop();
  });

  const connections = async (): Promise<readonly string[]> => {
    const mine = String(await control.client("ID"));
    const all = [...String(await control.client("LIST")).matchAll(/^id=(\d+) /gm)].map(([, id = ""]) => id);
    return all.filter((id) => id !== mine);
  };

  const ours = (): RedisDriverOptions => ({ connectionString: service.url });
  const users = (): RedisDriverOptions => {
    const client = new Redis(service.url, { autoResendUnfulfilledCommands: false });
    onTestFinished(() => client.disconnect());
    return { client };
  };

  it.each([
    ["the store's own client", ours],
    ["a client of the user's that would stay", users],
  ])("is left at the next round of maintenance by %s", async (_, source) => {
    const driver = createRedisDriver({ ...source(), keyPrefix: "demoted:" });
    onTestFinished(() => driver.close());
    const insert = newTask();
    await driver.insert(insert);
    const before = await connections();
    // Nobody listens there: it keeps what it has.
    await control.replicaof("127.0.0.1", 1);
    onTestFinished(async () => void (await control.replicaof("NO", "ONE")));
    await expect(driver.due(10, 1_000)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    const anew = async (): Promise<boolean> => {
      await driver.read([insert.taskId]).catch(() => {});
      return (await connections()).some((id) => !before.includes(id));
    };
    await pollUntil(anew, { what: "another connection" });
    await control.replicaof("NO", "ONE");
    const due = (): Promise<unknown> => driver.due(10, 1_000).catch(() => undefined);
    expect(await pollUntil(due, { what: "a round of maintenance" })).toMatchObject({ rows: [] });
    expect(await driver.read([insert.taskId])).toMatchObject({ rows: [{ taskId: insert.taskId }] });
  });
});
