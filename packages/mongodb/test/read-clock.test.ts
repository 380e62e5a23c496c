/** The server reads its clock once a command, and a command may wait: what a row has seen of the clock bounds that. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mongoIsLeftOut } from "@mcp-task-store/services";
import { newId, newTask, pushTo, takeFrom, writeTo } from "../../../conformance/src/driver-model/sample-tasks.ts";
import { type ScratchMongo, scratchMongo } from "./scratch-mongo.ts";

const AHEAD_MS = 20_000;
const SET_BACK_MS = 3_600_000;
const REPORT = [{ when: { open: true }, then: { set: { statusMessage: "half" } } }] as const;

describe.skipIf(mongoIsLeftOut())("a command that began before the row's last reading of the clock", () => {
  let mongo: ScratchMongo;
  beforeAll(async () => {
    mongo = await scratchMongo();
  });
  afterAll(() => mongo[Symbol.asyncDispose]());

  /** A row that was last changed, or refused to be, by somebody who read the clock this far ahead. */
  async function rowSeenAt(aheadMs: number, expiresInMs: number): Promise<{ taskId: string; seenUs: number }> {
    const { nowUs } = await mongo.driver.read([]);
    const now = nowUs / 1_000;
    const taskId = newId("task");
    await mongo.plant({ taskId, expiresAt: now + expiresInMs });
    await mongo.rows.updateOne({ _id: taskId }, { $set: { "answer.at": now + aheadMs } });
    return { taskId, seenUs: (now + aheadMs) * 1_000 };
  }

  it("is decided by that reading", async () => {
    const { taskId, seenUs } = await rowSeenAt(AHEAD_MS, 60_000);
    const answer = await mongo.driver.write(writeTo(taskId, { alternatives: REPORT }));
    expect(answer).toMatchObject({ kind: "written", nowUs: seenUs, row: { revision: seenUs } });
  });

  it("does not land after its deadline", async () => {
    const { taskId, seenUs } = await rowSeenAt(AHEAD_MS, 60_000);
    const late = { notAfterUs: seenUs - 1 };
    const write = writeTo(taskId, { ...late, alternatives: REPORT });
    expect(await mongo.driver.write(write)).toMatchObject({ kind: "refused", nowUs: seenUs });
    expect(await mongo.driver.messages?.push(pushTo(taskId, late))).toEqual({ kind: "late", nowUs: seenUs });
    expect(await mongo.driver.messages?.take(takeFrom(taskId, late))).toEqual({ kind: "late", nowUs: seenUs });
    expect(await mongo.stored(taskId)).toMatchObject({ statusMessage: null, ring: [] });
  });

  it("does not find a row that has expired meanwhile", async () => {
    const { taskId } = await rowSeenAt(AHEAD_MS, AHEAD_MS - 1);
    expect(await mongo.driver.write(writeTo(taskId, { alternatives: REPORT }))).toEqual({ kind: "gone" });
    expect(await mongo.driver.messages?.push(pushTo(taskId))).toEqual({ kind: "gone" });
    expect(await mongo.driver.messages?.take(takeFrom(taskId))).toEqual({ kind: "gone" });
    expect(await mongo.driver.insert(newTask({ taskId }))).toMatchObject({ kind: "inserted" });
  });

  it("is decided by the server's clock where that was set back further than any command lasts", async () => {
    const { taskId, seenUs } = await rowSeenAt(SET_BACK_MS, 60_000);
    const answer = await mongo.driver.write(writeTo(taskId, { alternatives: REPORT }));
    expect(answer).toMatchObject({ kind: "written" });
    if (answer.kind === "written") expect(answer.nowUs).toBeLessThan(seenUs - 1_000);
  });

  it("leaves an expired row as it is where it is an insert and comes too late", async () => {
    const { nowUs } = await mongo.driver.read([]);
    const taskId = newId("task");
    await mongo.plant({ taskId, expiresAt: 5 });
    const before = await mongo.rows.findOne({ _id: taskId });
    expect(await mongo.driver.insert(newTask({ taskId, notAfterUs: nowUs - 1 }))).toMatchObject({ kind: "late" });
    expect(await mongo.rows.findOne({ _id: taskId })).toEqual(before);
  });

  it("tells the reading to the next, also where it was refused", async () => {
    const taskId = newId("task");
    await mongo.plant({ taskId, status: "completed" });
    const answer = await mongo.driver.write(writeTo(taskId, { alternatives: REPORT }));
    if (answer.kind !== "refused") throw new Error("the task was over");
    expect(await mongo.rows.findOne({ _id: taskId })).toMatchObject({
      answer: { at: answer.nowUs / 1_000, kind: "refused" },
    });
  });
});
