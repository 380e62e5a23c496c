/** A key prefix of its own for a test file, with a driver set up, and ways to look behind the driver's back. */
import { type Cluster, Redis } from "ioredis";
import type { TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { freshTestRedis } from "@mcp-task-store/services";
import type { Scratch } from "../../../conformance/test/adapter-tests/scratch.ts";
import { plain } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { createRedisDriver, type RedisDriverOptions } from "../src/index.ts";
import { entryOf, Keys, storedScope } from "../src/keys.ts";
import { ROW_FIELDS, STATE_BYTES, STATE_NUMBERS } from "../src/lua/record.ts";
import { taskRecord } from "../src/row.ts";

/** A client of the test's own. */
export type Client = Redis | Cluster;

export interface ScratchRedis extends Scratch {
  /** How to connect to it. */
  readonly source: Pick<RedisDriverOptions, "connectionString" | "cluster">;
  readonly keyPrefix: string;
  readonly keys: Keys;
  readonly client: Client;
  /** Another driver on the same keys, closed with it. */
  another(options?: Partial<RedisDriverOptions>): TaskDriver;
  /** All keys of the prefix. */
  allKeys(): Promise<readonly string[]>;
}

/** @param given another server than the run's */
export async function scratchRedis(given?: {
  readonly url: string;
  readonly keyPrefix: string;
}): Promise<ScratchRedis> {
  const fresh = given === undefined ? await freshTestRedis() : undefined;
  const { url, keyPrefix } = given ?? fresh ?? { url: "", keyPrefix: "" };
  const client = new Redis(url, { lazyConnect: true });
  client.on("error", () => {});
  return scratchOn({ connectionString: url }, keyPrefix, client, fresh);
}

/** @param fresh disposed of at the end */
export function scratchOn(
  source: ScratchRedis["source"],
  keyPrefix: string,
  client: Client,
  fresh: AsyncDisposable | undefined,
): ScratchRedis {
  const keys = new Keys(keyPrefix);
  const drivers: TaskDriver[] = [];
  const another = (options: Partial<RedisDriverOptions> = {}): TaskDriver => {
    const from = options.client === undefined && options.config === undefined ? source : {};
    const driver = createRedisDriver({ ...from, keyPrefix, ...options });
    drivers.push(driver);
    return driver;
  };
  const servers = async (): Promise<readonly Redis[]> => {
    if (client instanceof Redis) return [client];
    await client.ping();
    return client.nodes("master");
  };
  const allKeys = async (): Promise<readonly string[]> => {
    const found = await Promise.all((await servers()).map((server) => server.keys(`${keyPrefix}*`)));
    return found.flat();
  };
  return {
    source,
    keyPrefix,
    keys,
    client,
    driver: another(),
    another,
    async plant(...records) {
      await Promise.all(records.map((record) => plant(client, keys, { ...plain(), ...record })));
    },
    async stored(taskId) {
      const reply = await client.hmgetBuffer(keys.of(taskId).task, ...ROW_FIELDS, "request", "outcome");
      return reply[0] === null ? undefined : taskRecord(taskId, reply, { request: true, outcome: true });
    },
    async storedMessages(taskId) {
      const fields = await client.hgetall(keys.of(taskId).messages);
      const ids = Object.entries(fields).flatMap(([name, number]) =>
        name.startsWith("i") ? [[name.slice(1), Number(number)] as const] : [],
      );
      return ids
        .toSorted(([, a], [, b]) => a - b)
        .map(([messageId, number]) => ({ messageId, text: fields[`x${number}`] ?? null }));
    },
    async expire(taskId) {
      const row = await this.stored(taskId);
      if (row !== undefined) await plant(client, keys, { ...row, dueAt: 5, expiresAt: 5 });
    },
    allKeys,
    async clear() {
      await Promise.all((await allKeys()).map((key) => client.unlink(key)));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(drivers.map((each) => each.close()));
      client.disconnect();
      await fresh?.[Symbol.asyncDispose]();
    },
  };
}

async function plant(client: Client, keys: Keys, record: TaskRecord): Promise<void> {
  const { task, due, all, unowned, tag } = keys.of(record.taskId);
  const entry = entryOf(record.createdAt, record.taskId);
  const scope = record.scope === null ? undefined : storedScope(record.scope);
  await client.hset(task, fieldsOf(record));
  await client.zadd(all, 0, entry);
  if (scope === undefined) await client.zadd(unowned, 0, entry);
  else await client.zadd(keys.listing(scope), 0, `${entry}\0${tag}${record.createId}`);
  if (record.dueAt !== null) await client.zadd(due, record.dueAt, scope === undefined ? entry : `${entry}\0${scope}`);
}

function fieldsOf(record: TaskRecord): Record<string, string | Buffer> {
  const texts = {
    scope: record.scope === null ? null : storedScope(record.scope),
    generation: record.generation,
    inputsId: record.inputsId,
    holder: record.lease?.holder,
    message: record.statusMessage,
    inputs: record.inputs,
    metadata: record.metadata,
    request: record.request,
    outcome: record.outcome,
  };
  const present = Object.entries(texts).flatMap(([name, text]) =>
    typeof text === "string" ? [[name, text] as const] : [],
  );
  return {
    status: record.status,
    state: stateOf(record),
    create: record.createId,
    ring: record.ring.map(({ writeId, revision }) => `${revision} ${JSON.stringify(writeId)}\n`).join(""),
    ...Object.fromEntries(present),
  };
}

function stateOf(record: TaskRecord): Buffer {
  const numbers: Record<(typeof STATE_NUMBERS)[number], number | null | undefined> = {
    revision: record.revision,
    created: record.createdAt,
    updated: record.lastUpdatedAt,
    ttl: record.ttlMs,
    poll: record.pollIntervalMs,
    expires: record.expiresAt,
    claim: record.claimBy,
    run: record.runUntil,
    attempts: record.attempts,
    cancel: record.cancelRequestedAt,
    token: record.lease?.token,
    lease_end: record.lease?.expiresAt,
    due: record.dueAt,
  };
  const bytes: Record<(typeof STATE_BYTES)[number], number> = {
    has_inputs_id: record.inputsId === null ? 0 : 1,
    has_message: record.statusMessage === null ? 0 : 1,
    has_inputs: record.inputs === null ? 0 : 1,
    has_metadata: record.metadata === null ? 0 : 1,
    has_outcome: record.outcome === null ? 0 : 1,
    ring_size: record.ring.length,
  };
  const state = Buffer.alloc(STATE_NUMBERS.length * 8);
  STATE_NUMBERS.forEach((name, at) => state.writeDoubleLE(numbers[name] ?? -1, at * 8));
  return Buffer.concat([state, Buffer.from(STATE_BYTES.map((name) => bytes[name]))]);
}
