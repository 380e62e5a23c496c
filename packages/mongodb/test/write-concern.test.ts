/** A write that was made, and of which the server cannot say that it will last: the store finds out, or says so. */
import { MongoWriteConcernError } from "mongodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { mongoIsLeftOut } from "@mcp-task-store/services";
import type { TaskStore } from "@mcp-task-store/core";
import { newId } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { createMongoTaskStore, type MongoClientLike, type MongoDocument } from "../src/index.ts";
import { COLLECTION, type ScratchMongo, scratchMongo } from "./scratch-mongo.ts";

/** No stand-in waits for a majority in vain: the answer that a real server gives is put in the place of its own. */
const PROBLEM = { code: 64, errmsg: "waiting for replication timed out" };

describe.skipIf(mongoIsLeftOut())("a write whose majority is not confirmed", () => {
  let mongo: ScratchMongo;
  beforeAll(async () => {
    mongo = await scratchMongo();
  });
  afterAll(() => mongo[Symbol.asyncDispose]());

  /** @param times how many writes are made and not confirmed; the next ones are */
  function storeWith(tell: (answer: MongoDocument) => MongoDocument, times: number): TaskStore {
    const client = mongo.client();
    let left = times;
    const unconfirmed: MongoClientLike = {
      connect: () => client.connect(),
      db: (name) => ({
        collection: (collection) => client.db(name).collection(collection),
        async command(command, options) {
          const answer = await client.db(name).command(command, options);
          if (!("findAndModify" in command) || left === 0) return answer;
          left -= 1;
          return tell(answer);
        },
      }),
    };
    const store = createMongoTaskStore({
      client: unconfirmed,
      database: mongo.database,
      collection: COLLECTION,
      hints: "poll",
      maintenance: false,
      callTimeoutMs: 30_000,
    });
    onTestFinished(() => store.close());
    return store;
  }

  it.each<readonly [string, (answer: MongoDocument) => MongoDocument]>([
    [
      "thrown",
      (answer) => {
        throw new MongoWriteConcernError({ ...answer, ok: 1, writeConcernError: PROBLEM });
      },
    ],
    ["part of the answer", (answer) => ({ ...answer, writeConcernError: PROBLEM })],
  ])("is made once, and confirmed by its repeat (%s)", async (_, tell) => {
    const store = storeWith(tell, 2);
    const taskId = newId("task");
    await store.createTask({ taskId });
    expect(await mongo.stored(taskId)).toMatchObject({ ring: [] });
    const reporting = storeWith(tell, 1);
    await reporting.updateTask(taskId, { statusMessage: "half" });
    expect(await mongo.stored(taskId)).toMatchObject({ statusMessage: "half", ring: [{}] });
  });

  it("is called unknown where it is never confirmed, in time", async () => {
    const store = storeWith((answer) => ({ ...answer, writeConcernError: PROBLEM }), Number.POSITIVE_INFINITY);
    // Connects first: a call that was not sent in time has a known outcome.
    await store.getTask("warm-up");
    const attempt = store.createTask({}, { timeoutMs: 500 });
    await expect(attempt).rejects.toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
  });
});
