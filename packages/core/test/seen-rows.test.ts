import { describe, expect, it } from "vitest";
import { delegate } from "../../../conformance/src/driver-model/delegate.ts";
import { createMemoryBackend, createMemoryDriver } from "../../memory/src/index.ts";
import { createTaskStore } from "../src/index.ts";
import type { TaskStore, Write } from "../src/index.ts";
import { SeenRows } from "../src/seen-rows.ts";
import { row } from "./transition-fixtures.ts";

describe("what was seen of rows", () => {
  it("is the latest revision of the row, of whichever task has the id", () => {
    const seen = new SeenRows();
    expect(seen.of("t")).toBeUndefined();
    seen.note(row({ taskId: "t", createId: "first", revision: 7 }));
    seen.note(row({ taskId: "t", createId: "first", revision: 5 }));
    expect(seen.of("t")).toEqual({ createId: "first", revision: 7 });
    seen.note(row({ taskId: "t", createId: "second", revision: 3 }));
    expect(seen.of("t")).toEqual({ createId: "second", revision: 3 });
  });

  it("is kept of the tasks that were seen last", () => {
    const seen = new SeenRows();
    for (let n = 0; n < 4_096; n += 1) seen.note(row({ taskId: `t${n}` }));
    seen.note(row({ taskId: "t0" }));
    seen.note(row({ taskId: "another" }));
    expect(seen.of("t0")).toBeDefined();
    expect(seen.of("t1")).toBeUndefined();
    expect(seen.of("t2")).toBeDefined();
  });
});

/** A store on a backend of its own, another one on that, and the writes that the first one sends. */
async function twoStores(): Promise<{ store: TaskStore; other: TaskStore; sent: Write[] }> {
  const backend = createMemoryBackend();
  const sent: Write[] = [];
  const driver = createMemoryDriver({ backend });
  const store = createTaskStore(
    {
      ...delegate(driver),
      write: async (write, options) => {
        sent.push(write);
        return await driver.write(write, options);
      },
    },
    { maintenance: false },
  );
  const other = createTaskStore(createMemoryDriver({ backend }), { maintenance: false });
  await store.getTask("none");
  return { store, other, sent };
}

async function report(store: TaskStore, taskId: string, times: number): Promise<void> {
  for (let n = 1; n <= times; n += 1) await store.updateTask(taskId, { statusMessage: `${n}` });
}

describe("a report or an acquire", () => {
  it("takes one round trip, also for a process that never saw the task", async () => {
    const { store, other, sent } = await twoStores();
    const { taskId } = await other.createTask();
    await report(other, taskId, 7);
    await report(store, taskId, 20);
    expect(sent).toHaveLength(20);
  });

  it("takes one more after eight writes that the process did not see, at once, and one for each later", async () => {
    const { store, other, sent } = await twoStores();
    const { taskId } = await other.createTask();
    await report(other, taskId, 8);
    await report(store, taskId, 1);
    expect(sent).toHaveLength(2);
    await report(store, taskId, 5);
    expect(sent).toHaveLength(7);
    await report(other, taskId, 8);
    await store.getTask(taskId);
    const lease = await store.acquireLease(taskId, { holder: "worker" });
    expect(lease).toMatchObject({ holder: "worker" });
    expect(sent).toHaveLength(8);
  });

  it("reaches a task that took the place of the one that was seen", async () => {
    const { store, other, sent } = await twoStores();
    const { taskId } = await store.createTask();
    await other.deleteTask(taskId);
    await other.createTask({ taskId });
    expect(await store.updateTask(taskId, { statusMessage: "mine" })).toMatchObject({ statusMessage: "mine" });
    expect(sent).toHaveLength(2);
  });

  it("takes one for such a task where the process was told that the other one is gone", async () => {
    const { store, other, sent } = await twoStores();
    const { taskId } = await store.createTask();
    await store.deleteTask(taskId);
    await other.createTask({ taskId });
    await report(store, taskId, 1);
    await other.deleteTask(taskId);
    await expect(report(store, taskId, 1)).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    await other.createTask({ taskId });
    await report(store, taskId, 1);
    expect(sent).toHaveLength(3);
  });

  it("is refused for what the row shows, not for what was not seen of it", async () => {
    const { store, other, sent } = await twoStores();
    const { taskId } = await other.createTask();
    await report(other, taskId, 7);
    await other.cancelTask(taskId);
    await expect(store.updateTask(taskId, { statusMessage: "mine" })).rejects.toMatchObject({ code: "TASK_TERMINAL" });
    expect(sent).toHaveLength(1);
  });
});

it("a finish, a cancel and an answer take as many round trips whatever was seen", async () => {
  const { store, other, sent } = await twoStores();
  for (const act of [
    async (taskId: string) => await store.finishTask(taskId, { status: "completed", result: {} }),
    async (taskId: string) => await store.cancelTask(taskId),
    async (taskId: string) => await store.requestCancellation(taskId),
    async (taskId: string) => await store.requestInputs(taskId, { name: { method: "elicitation/create" } }),
  ]) {
    const { taskId } = await other.createTask();
    await report(other, taskId, 9);
    sent.length = 0;
    await act(taskId);
    expect(sent).toHaveLength(1);
  }
});
