import { Resolver, type TaskStore } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { createTaskWorker, type TaskWorker } from "../src/index.ts";
import { ASK_SURE, type Run, taskFor, toolOf, YES } from "./task-tools.ts";
import { ended, read, twoStores, until, withFaults } from "./two-stores.ts";

function workerOf(store: TaskStore, run: Run): TaskWorker {
  return createTaskWorker(store, { tools: [toolOf(run)] });
}

/** Counts the starts of a tool that suspends with one question. */
function suspending(): { readonly run: Run; readonly starts: () => number } {
  let starts = 0;
  const run: Run = async ({ elicit }) => {
    starts += 1;
    const answer = await elicit("sure", ASK_SURE, { whileWaiting: "suspend" });
    return { structuredContent: { answer } };
  };
  return { run, starts: () => starts };
}

/** Answers as a server does: whoever answers the last question of a task that nobody holds, has it run again. */
async function answeredBy(store: TaskStore, taskId: string, worker: TaskWorker): Promise<unknown> {
  const task = await store.answerInputs(taskId, { sure: YES });
  return task.status === "working" && task.lease === undefined ? await worker.run(taskId) : undefined;
}

const COMPLETED = {
  status: "completed",
  result: { structuredContent: { answer: { action: "accept", content: { sure: true } } } },
};

describe("an answer right after the release", () => {
  it("runs the task again where it is dispatched to the same worker", async () => {
    await using stores = twoStores();
    const { run, starts } = suspending();
    const { taskId } = await taskFor(stores.a);
    const store = withFaults(stores.a, {
      releaseLease: async (...given) => {
        const task = await stores.a.releaseLease(...given);
        void answeredBy(stores.b, taskId, worker);
        await until(stores.b, taskId, ({ status }) => status === "working");
        return task;
      },
    });
    const worker = workerOf(store, run);
    await worker.run(taskId);
    expect((await ended(stores.b, taskId)).outcome).toEqual(COMPLETED);
    expect(starts()).toBe(2);
  });

  it("runs the task again where it is dispatched to another worker", async () => {
    await using stores = twoStores();
    const { run, starts } = suspending();
    const { taskId } = await taskFor(stores.a);
    const there = workerOf(stores.b, run);
    const store = withFaults(stores.a, {
      releaseLease: async (...given) => {
        const task = await stores.a.releaseLease(...given);
        await answeredBy(stores.b, taskId, there);
        return task;
      },
    });
    expect(await workerOf(store, run).run(taskId)).toMatchObject({ status: "input_required" });
    expect((await read(stores.b, taskId)).outcome).toEqual(COMPLETED);
    expect(starts()).toBe(2);
  });

  /** The dispatched call may come at any turn while the run that suspended is on its way out. */
  it("is never swallowed, however many turns later it is delivered", async () => {
    await using stores = twoStores();
    for (let turns = 0; turns < 60; turns += 1) {
      const { run } = suspending();
      const { taskId } = await taskFor(stores.a);
      const delivered = new Resolver<void>();
      const deliver = async (): Promise<void> => {
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        await worker.run(taskId);
        delivered.resolve();
      };
      let released = false;
      const store = withFaults(stores.a, {
        releaseLease: async (...given) => {
          const task = await stores.a.releaseLease(...given);
          if (released) return task;
          released = true;
          await stores.b.answerInputs(taskId, { sure: YES });
          void deliver();
          return task;
        },
      });
      const worker = workerOf(store, run);
      await worker.run(taskId);
      await delivered.wait();
      expect((await read(stores.b, taskId)).status, `after ${turns} turns`).toBe("completed");
    }
  });
});
