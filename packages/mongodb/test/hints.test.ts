import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mongoIsLeftOut, pollUntil } from "@mcp-task-store/services";
import type { HintListener, TaskDriver } from "@mcp-task-store/core";
import { NEVER, newId, newTask, plain, pushTo, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import type { MongoChangeStreamLike, MongoClientLike } from "../src/index.ts";
import { type ScratchMongo, scratchMongo } from "./scratch-mongo.ts";
import { tcpProxy } from "../../../conformance/src/wire/tcp-proxy.ts";

const REPORT = { alternatives: [{ when: {}, then: { set: { statusMessage: "half" } } }] } as const;

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

describe.skipIf(mongoIsLeftOut())("hints", () => {
  let mongo: ScratchMongo;
  beforeAll(async () => {
    mongo = await scratchMongo();
  });
  afterAll(() => mongo[Symbol.asyncDispose]());
  beforeEach(() => mongo.clear());

  async function subscribed(driver: TaskDriver): Promise<{ heard: Heard; unsubscribe: () => Promise<void> }> {
    const heard = new Heard();
    const unsubscribe = await driver.hints?.subscribe(heard);
    if (unsubscribe === undefined) throw new Error("the driver has no hints");
    return { heard, unsubscribe };
  }

  /** A client whose server refuses that many change streams by a code. */
  function refusing(code: number, times: number): MongoClientLike {
    const client = mongo.client();
    const refusal = Object.assign(new Error("refused"), { name: "MongoServerError", code });
    let left = times;
    return {
      connect: () => client.connect(),
      db: (name) => ({
        command: (command, options) => client.db(name).command(command, options),
        collection: (collection) => ({
          aggregate: (pipeline, options) => client.db(name).collection(collection).aggregate(pipeline, options),
          watch(pipeline, options) {
            if (left === 0) return client.db(name).collection(collection).watch(pipeline, options);
            left -= 1;
            return { next: () => Promise.reject(refusal), close: async () => {}, on: () => {} };
          },
        }),
      }),
    };
  }

  async function report(taskId: string): Promise<void> {
    expect(await mongo.driver.write(writeTo(taskId, REPORT))).toMatchObject({ kind: "written" });
  }

  it("reach every process that listens, the writer's too", async () => {
    const other = mongo.another();
    const here = await subscribed(mongo.driver);
    const there = await subscribed(other);
    const odd = 'odd "id" $where \\ \' 😀';
    await mongo.driver.insert(newTask({ taskId: odd }));
    expect(await here.heard.has(odd)).toBe(true);
    expect(await there.heard.has(odd)).toBe(true);
    await other.close();
    await here.unsubscribe();
  });

  it("come of whatever moves a revision or ends a row, and of nothing else", async () => {
    const rows = [plain(), plain(), plain(), { ...plain(), dueAt: 5, expiresAt: 5 }];
    const silent = [plain(), plain(), { ...plain(), dueAt: 5, claimBy: 5 }];
    await mongo.plant(...rows, ...silent);
    const [written, pushed, removed, expired] = rows.map(({ taskId }) => taskId);
    const [refused, renewed] = silent.map(({ taskId }) => taskId);
    const { heard, unsubscribe } = await subscribed(mongo.driver);
    const born = newTask();
    const replaced = newTask({ taskId: newId("replaced") });
    await mongo.driver.write(writeTo(refused ?? "", { alternatives: [{ when: { claimOver: true }, then: {} }] }));
    const renewal = { quiet: true, alternatives: [{ when: {}, then: { claimInMs: 1_000 } }] };
    await mongo.driver.write(writeTo(renewed ?? "", renewal));
    expect(await mongo.driver.due(100, 60_000)).toMatchObject({ purged: [expired], rows: [{}] });
    await mongo.driver.insert(born);
    await mongo.driver.insert(replaced);
    await report(written ?? "");
    await mongo.driver.messages?.push(pushTo(pushed ?? ""));
    await mongo.driver.remove({ taskId: removed ?? "", notAfterUs: NEVER });
    const loud = [written, pushed, removed, expired, born.taskId, replaced.taskId].map(String);
    expect(await heard.has(...loud)).toBe(true);
    // The last in the stream, behind all others.
    await report(born.taskId);
    expect(heard.taskIds).toEqual(new Set(loud));
    expect(heard.gaps).toBe(0);
    await unsubscribe();
  });

  it("stay inside their collection", async () => {
    const another = mongo.another({ collection: "another" });
    await another.setup();
    const { heard, unsubscribe } = await subscribed(mongo.driver);
    await another.insert(newTask({ taskId: "foreign" }));
    await mongo.driver.insert(newTask({ taskId: "own" }));
    expect(await heard.has("own")).toBe(true);
    expect(heard.taskIds).toEqual(new Set(["own"]));
    await unsubscribe();
  });

  it("take one change stream for all subscriptions, and none without", async () => {
    const client = mongo.client();
    const opened: MongoChangeStreamLike[] = [];
    const closed = new Set<MongoChangeStreamLike>();
    const counting: MongoClientLike = {
      connect: () => client.connect(),
      db: (name) => ({
        command: (command, options) => client.db(name).command(command, options),
        collection: (collection) => ({
          aggregate: (pipeline, options) => client.db(name).collection(collection).aggregate(pipeline, options),
          watch: (pipeline, options) => {
            const stream = client.db(name).collection(collection).watch(pipeline, options);
            opened.push(stream);
            stream.once("close", () => closed.add(stream));
            return stream;
          },
        }),
      }),
    };
    const driver = mongo.another({ client: counting });
    await driver.read([]);
    expect(opened).toHaveLength(0);
    const subscriptions = await Promise.all([subscribed(driver), subscribed(driver), subscribed(driver)]);
    expect(opened).toHaveLength(1);
    await subscriptions[0]?.unsubscribe();
    await driver.insert(newTask({ taskId: "still" }));
    expect(await subscriptions[1]?.heard.has("still")).toBe(true);
    expect(subscriptions[0]?.heard.taskIds.size).toBe(0);
    await subscriptions[1]?.unsubscribe();
    await subscriptions[2]?.unsubscribe();
    await pollUntil(() => closed.size === 1, { what: "the stream to end" });
    const again = await subscribed(driver);
    await driver.insert(newTask({ taskId: "again" }));
    expect(await again.heard.has("again")).toBe(true);
    await driver.close();
    expect(opened).toHaveLength(2);
    await pollUntil(() => closed.size === 2, { what: "the stream to end" });
  });

  it("come back after the connection was lost, and nothing is missed", async () => {
    await using proxy = await tcpProxy({ target: mongo.url });
    const driver = mongo.another({
      connectionString: proxy.through(mongo.url),
      clientOptions: { heartbeatFrequencyMS: 500 },
    });
    const { heard } = await subscribed(driver);
    const row = plain();
    await mongo.plant(row);
    expect(await heard.has(row.taskId)).toBe(true);
    expect(heard.gaps).toBe(0);
    heard.taskIds.clear();
    proxy.cut();
    await report(row.taskId);
    proxy.heal();
    // The client goes on from where it was, or the stream is opened anew, which is told.
    await pollUntil(() => heard.taskIds.has(row.taskId) || heard.gaps > 0, { what: "the hint or a gap" });
    await mongo.driver.insert(newTask({ taskId: "afterwards" }));
    expect(await heard.has("afterwards")).toBe(true);
    await driver.close();
  });

  it("are tried again when the server cannot be reached at first", async () => {
    await using proxy = await tcpProxy({ target: mongo.url });
    proxy.cut();
    const driver = mongo.another({
      connectionString: proxy.through(mongo.url),
      clientOptions: { serverSelectionTimeoutMS: 100, heartbeatFrequencyMS: 500 },
    });
    const { heard } = await subscribed(driver);
    expect(heard.gaps).toBe(0);
    proxy.heal();
    await pollUntil(() => heard.gaps > 0, { what: "the gap" });
    await mongo.driver.insert(newTask({ taskId: "afterwards" }));
    expect(await heard.has("afterwards")).toBe(true);
    await driver.close();
  });

  it("become looks of the waiters where the server has no change streams", async () => {
    // What a standalone server answers.
    const standalone = refusing(40_573, Number.POSITIVE_INFINITY);
    const driver = mongo.another({ client: standalone });
    const { heard, unsubscribe } = await subscribed(driver);
    await pollUntil(() => heard.gaps >= 3, { what: "three looks" });
    await unsubscribe();
    const { gaps } = heard;
    await driver.read([]);
    expect(heard.gaps).toBe(gaps);
  });

  it.each([
    ["it is not the primary just now", 10_107],
    ["of a problem that nobody foresaw", 123_456],
  ])("are there soon after a stream that the server refused because %s", async (_, code) => {
    const driver = mongo.another({ client: refusing(code, 2) });
    const { heard, unsubscribe } = await subscribed(driver);
    await pollUntil(() => heard.gaps > 0, { what: "the stream" });
    await mongo.driver.insert(newTask({ taskId: `afterwards ${code}` }));
    expect(await heard.has(`afterwards ${code}`)).toBe(true);
    await unsubscribe();
  });

  it("are absent when polling was asked for", () => {
    const driver = mongo.another({ hints: "poll" });
    expect(driver.hints).toBeUndefined();
    expect(driver.capabilities.pushHints).toBe(false);
  });
});
