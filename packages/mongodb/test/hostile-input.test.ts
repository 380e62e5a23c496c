/** What would change a query or a pipeline if it were ever read as one comes back as it went in, or is refused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mongoIsLeftOut } from "@mcp-task-store/services";
import type { TaskStore } from "@mcp-task-store/core";
import { newId, newTask, pushTo, takeFrom, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { callUntyped } from "../../../conformance/src/rules/untyped-call.ts";
import { createMongoTaskStore } from "../src/index.ts";
import { MAX_PAYLOAD_BYTES } from "../src/payload-limit.ts";
import { MAX_MESSAGES_BYTES } from "../src/pipelines/messages.ts";
import { COLLECTION, type ScratchMongo, scratchMongo } from "./scratch-mongo.ts";

/** Operators, fields, variables and paths of MongoDB, and names of JavaScript. */
const NAMES = [
  "$where",
  "$$ROOT",
  "$$NOW",
  "$answer.at",
  "$_id",
  "$literal",
  "a.b",
  "a.$[].b",
  "__proto__",
  "constructor",
  "toBSON",
  "_bsontype",
  '{"$ne":null}',
  "0",
  "answer",
  "look.id",
] as const;
const PAYLOAD = Object.fromEntries([
  ...NAMES.map((name) => [name, { [name]: name, $expr: { $function: { body: "return 1", args: [], lang: "js" } } }]),
  ["_bsontype", "Code"],
]);

describe.skipIf(mongoIsLeftOut())("hostile input", () => {
  let mongo: ScratchMongo;
  let store: TaskStore;
  beforeAll(async () => {
    mongo = await scratchMongo();
    store = createMongoTaskStore({
      connectionString: mongo.url,
      database: mongo.database,
      collection: COLLECTION,
      hints: "poll",
      maintenance: false,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      callTimeoutMs: 60_000,
    });
  });
  afterAll(async () => {
    await store.close();
    await mongo[Symbol.asyncDispose]();
  });

  it.each(NAMES)("%s is an id, a principal, a holder, a message, a receipt and a text like any other", async (name) => {
    await mongo.clear();
    await store.createTask({ taskId: "bystander", principal: "somebody" });
    const bystander = await mongo.rows.findOne({ _id: "bystander" });
    const scoped = store.scoped(name);
    const created = await store.createTask({ taskId: name, principal: name, statusMessage: name, metadata: PAYLOAD });
    expect(created).toMatchObject({ taskId: name, principal: name, statusMessage: name, metadata: PAYLOAD });
    await expect(store.createTask({ taskId: name })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });

    const lease = await store.acquireLease(name, { holder: name });
    expect(lease).toMatchObject({ holder: name });
    const question = { [name]: { method: name, params: PAYLOAD } };
    await store.requestInputs(name, question, { lease: lease?.token ?? 0 });
    expect((await scoped.answerInputs(name, { [name]: PAYLOAD })).inputs[name]).toEqual({
      request: question[name],
      response: PAYLOAD,
    });
    const note = { type: "notification", message: PAYLOAD, timestamp: 0 } as const;
    await store.messages.push(name, note, { messageId: name });
    expect(await store.messages.shift(name, { receipt: name })).toEqual(note);
    expect(await store.messages.shift(name, { receipt: name })).toEqual(note);

    expect((await scoped.listTasks()).tasks.map(({ taskId }) => taskId)).toEqual([name]);
    const first = await store.listTasks({ limit: 1 });
    const second = await store.listTasks({ limit: 1, ...(first.nextCursor && { cursor: first.nextCursor }) });
    expect([...first.tasks, ...second.tasks].map(({ taskId }) => taskId).toSorted()).toEqual(
      ["bystander", name].toSorted(),
    );
    const outcome = { status: "completed", result: PAYLOAD } as const;
    await store.finishTask(name, outcome, { lease: lease?.token ?? 0 });
    expect(await scoped.getOutcome(name)).toEqual(outcome);
    expect(await store.scoped("somebody").getTask(name)).toBeUndefined();
    expect(await scoped.deleteTask(name)).toBe(true);
    expect(await mongo.rows.findOne({ _id: "bystander" })).toEqual(bystander);
    // Nothing but the bystander and the row that carries the clock.
    expect(await mongo.rows.countDocuments()).toBe(2);
  });

  it.each<readonly [string, unknown]>([
    ["an operator", { $ne: null }],
    ["an operator within a list", [{ $gt: "" }]],
    ["the id of the clock's row", 0],
    ["a regular expression", /.*/],
    ["null", null],
  ])("%s in the place of an id is refused before it is sent", async (_, id) => {
    const { taskId } = await store.createTask({ principal: "alice" });
    const calls: readonly (readonly [method: string, ...args: readonly unknown[]])[] = [
      ["getTask", id],
      ["getOutcome", id],
      ["cancelTask", id],
      ["deleteTask", id],
      ["updateTask", id, {}],
      ["acquireLease", taskId, { holder: id }],
      ["createTask", { taskId: id }],
      ["createTask", { principal: id ?? { $ne: null } }],
      ["listTasks", { cursor: id }],
      ["listTasks", { status: id }],
      ["listTasks", { status: [id] }],
    ];
    for (const call of calls) {
      await expect(callUntyped(store, ...call)).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
    }
    expect(await store.getTask(taskId)).toMatchObject({ status: "working" });
  });

  it("an unpaired surrogate is refused, not silently replaced", async () => {
    const { taskId } = await store.createTask();
    for (const attempt of [
      async () => store.createTask({ metadata: { text: "\ud800" } }),
      async () => store.createTask({ metadata: { "\udfff": 1 } }),
      async () => store.updateTask(taskId, { statusMessage: "\ud800" }),
      async () => store.scoped("\ud800x").createTask(),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });

  it("16 MiB and more are too large, and nothing is stored", async () => {
    const { taskId, revision } = await store.createTask();
    const large = { text: "\u00e9".repeat(8 * 1024 * 1024) };
    const question = { name: { method: "elicitation/create", params: large } };
    const note = { type: "notification", message: large, timestamp: 0 } as const;
    const attempts = [
      async () => store.createTask({ metadata: large }),
      async () => store.createTask({ request: { method: "tools/call", params: large } }),
      async () => store.updateTask(taskId, { metadata: large }),
      async () => store.finishTask(taskId, { status: "completed", result: large }),
      async () => store.requestInputs(taskId, question),
      async () => store.messages.push(taskId, note, { messageId: "m" }),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await store.getTask(taskId)).toMatchObject({ revision });
    const text = JSON.stringify(large);
    const { driver } = mongo;
    const write = writeTo(taskId, { alternatives: [{ when: {}, then: { set: { outcome: text } } }] });
    for (const attempt of [
      () => driver.insert(newTask({ metadata: text })),
      () => driver.insert(newTask({ request: text })),
      () => driver.write(write),
      async () => driver.messages?.push(pushTo(taskId, { message: { messageId: "m", text } })),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    }
  });

  it("a task whose every part is as large as it may be is stored whole, and can be ended", async () => {
    const { driver } = mongo;
    const { messages } = driver;
    const full = JSON.stringify("x".repeat(MAX_PAYLOAD_BYTES - 2));
    const taskId = newId("task");
    await driver.insert(
      newTask({ taskId, ttlMs: null, metadata: full, request: full, statusMessage: "x".repeat(8_192) }),
    );
    const set = { inputs: full };
    await driver.write(writeTo(taskId, { alternatives: [{ when: {}, then: { set } }] }));
    const texts: string[] = [];
    for (let left = MAX_MESSAGES_BYTES; left > MAX_PAYLOAD_BYTES; left -= MAX_PAYLOAD_BYTES) {
      const text = JSON.stringify(`${texts.length}`.padEnd(MAX_PAYLOAD_BYTES - 2));
      const messageId = `${texts.length}`.padEnd(255, "m");
      expect(await messages?.push(pushTo(taskId, { message: { messageId, text } }))).toMatchObject({
        kind: "pushed",
      });
      texts.push(text);
    }
    const more = pushTo(taskId, { message: { messageId: "more", text: full } });
    await expect(messages?.push(more)).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE", argument: "message" });

    const ended = { status: "completed", outcome: full } as const;
    const end = writeTo(taskId, { alternatives: [{ when: { open: true }, then: { set: ended } }] });
    expect(await driver.write(end)).toMatchObject({ kind: "written" });
    const { rows } = await driver.read([taskId], { request: true, outcome: true });
    expect(rows[0]?.outcome === full && rows[0].request === full && rows[0].inputs === full).toBe(true);
    const taken = await messages?.take(takeFrom(taskId, { limit: null, receipt: "r".repeat(255) }));
    expect(taken?.kind === "taken" && taken.messages.map(({ text }) => text)).toEqual(texts);
  });
});
