import type { TaskStore } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { createTaskWorker, isSuspension, type TaskWorker } from "../src/index.ts";
import { ASK_SURE, type Run, taskFor, text, toolOf, YES } from "./task-tools.ts";
import { asked, read, twoStores, until, withFaults } from "./two-stores.ts";

/** As documented: lets a suspension pass and answers for everything else. */
const careful: Run = async ({ elicit }) => {
  try {
    return { structuredContent: await elicit("sure", ASK_SURE) };
  } catch (error) {
    if (isSuspension(error)) throw error;
    return { ...text("could not ask"), isError: true };
  }
};

/** As documented not to: takes every error for an answer. */
const careless: Run = async ({ elicit }) => {
  try {
    return { structuredContent: await elicit("sure", ASK_SURE) };
  } catch {
    return { ...text("could not ask"), isError: true };
  }
};

function workerOf(store: TaskStore, run: Run): TaskWorker {
  return createTaskWorker(store, { tools: [toolOf(run)] });
}

describe.each([
  ["lets suspensions pass", careful],
  ["takes every error for an answer", careless],
] as const)("a held question of a tool that %s", (_name, run) => {
  it("outlives its worker's shutdown: the task goes back, uncounted, and the next run waits on", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const first = workerOf(stores.a, run);
    const running = first.run(taskId);
    await asked(stores.b, taskId);
    await first.close();
    expect(await running).toMatchObject({ status: "input_required", attempts: 0 });
    const again = workerOf(stores.b, run).run(taskId);
    await until(stores.b, taskId, ({ lease }) => lease !== undefined);
    await stores.a.answerInputs(taskId, { sure: YES });
    await again;
    expect((await read(stores.b, taskId)).outcome).toMatchObject({ result: { structuredContent: YES } });
  });

  it("outlives a lost lease", async () => {
    await using stores = twoStores({ onOrphan: () => undefined });
    const { taskId } = await taskFor(stores.a);
    const cutOff = withFaults(stores.a, { renewLease: async () => await new Promise(() => undefined) });
    const lost = workerOf(cutOff, run).run(taskId);
    await asked(stores.b, taskId);
    stores.advance(30_001);
    expect(await stores.b.maintain()).toMatchObject({ released: 1 });
    expect(await lost).toMatchObject({ status: "input_required" });
    await stores.b.answerInputs(taskId, { sure: YES });
    expect(await workerOf(stores.b, run).run(taskId)).toMatchObject({ status: "completed" });
    expect((await read(stores.b, taskId)).outcome).toMatchObject({ result: { structuredContent: YES } });
  });
});

it("a held question of a task that is cancelled throws, which is no suspension", async () => {
  await using stores = twoStores();
  const { taskId } = await taskFor(stores.a);
  const thrown: unknown[] = [];
  const running = workerOf(stores.a, async ({ elicit }) => {
    try {
      return { structuredContent: await elicit("sure", ASK_SURE) };
    } catch (error) {
      thrown.push(error);
      throw error;
    }
  }).run(taskId);
  await asked(stores.b, taskId);
  await stores.b.requestCancellation(taskId);
  expect(await running).toMatchObject({ status: "cancelled" });
  expect(thrown.map(isSuspension)).toEqual([false]);
});
