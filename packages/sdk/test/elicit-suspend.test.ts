import { Resolver, type TaskStore } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createTaskWorker, isSuspension, type TaskWorker } from "../src/index.ts";
import { ASK_SURE, type Run, taskFor, text, toolOf, YES } from "./task-tools.ts";
import { BACKENDS, read, twoStores, withFaults } from "./two-stores.ts";

const SUSPEND = { whileWaiting: "suspend" } as const;
const other = { message: "And your name?", requestedSchema: z.object({ name: z.string() }) };
const ALICE = { action: "accept", content: { name: "Alice" } };

function workerOf(store: TaskStore, run: Run): TaskWorker {
  return createTaskWorker(store, { tools: [toolOf(run)] });
}

/** Counts the starts of a tool that suspends with one question. */
function suspending(): { readonly run: Run; readonly starts: () => number } {
  let starts = 0;
  const run: Run = async ({ elicit }) => {
    starts += 1;
    const answer = await elicit("sure", ASK_SURE, SUSPEND);
    return { structuredContent: { answer } };
  };
  return { run, starts: () => starts };
}

const COMPLETED = {
  status: "completed",
  result: { structuredContent: { answer: { action: "accept", content: { sure: true } } } },
};

describe.each(BACKENDS)("elicit that suspends, on $name", ({ open, isLeftOut }) => {
  it.skipIf(isLeftOut)(
    "frees its worker; the answer starts the tool again, anywhere, and asks nobody twice",
    async () => {
      await using stores = await open();
      const { run, starts } = suspending();
      const { taskId } = await taskFor(stores.a);
      const left = await workerOf(stores.a, run).run(taskId);
      expect(left).toMatchObject({ status: "input_required", attempts: 0 });
      expect(left?.lease).toBeUndefined();
      const waiting = await read(stores.b, taskId);
      expect(waiting.lease).toBeUndefined();
      await stores.b.answerInputs(taskId, { sure: YES });
      let questions = 0;
      const counting = withFaults(stores.b, {
        requestInputs: async (...given) => {
          const task = await stores.b.requestInputs(...given);
          if (task.status === "input_required") questions += 1;
          return task;
        },
      });
      await workerOf(counting, run).run(taskId);
      const task = await read(stores.a, taskId);
      expect(task.outcome).toEqual(COMPLETED);
      expect([starts(), questions]).toEqual([2, 0]);
      expect(task.inputs["sure"]?.request).toEqual(waiting.inputs["sure"]?.request);
    },
  );

  it.skipIf(isLeftOut)("is not stranded by an answer just before the release, which told nobody", async () => {
    await using stores = await open();
    const { run, starts } = suspending();
    const { taskId } = await taskFor(stores.a);
    const told: unknown[] = [];
    const store = withFaults(stores.a, {
      releaseLease: async (id, token) => {
        if (told.length === 0) told.push(await stores.b.answerInputs(id, { sure: YES }));
        return await stores.a.releaseLease(id, token);
      },
    });
    expect(await workerOf(store, run).run(taskId)).toMatchObject({ status: "completed" });
    expect(told).toMatchObject([{ status: "working", lease: {} }]);
    expect((await read(stores.b, taskId)).outcome).toEqual(COMPLETED);
    expect(starts()).toBe(2);
  });

  it.skipIf(isLeftOut)("is not stranded by an answer while the tool still unwinds", async () => {
    await using stores = await open();
    const { taskId } = await taskFor(stores.a);
    const unwinding = new Resolver<void>();
    const gate = new Resolver<void>();
    const run: Run = async ({ elicit }) => {
      try {
        await elicit("sure", ASK_SURE, SUSPEND);
        return text("done");
      } finally {
        if (!unwinding.done) unwinding.resolve();
        await gate.wait();
      }
    };
    const worker = workerOf(stores.a, run);
    const running = worker.run(taskId);
    await unwinding.wait();
    expect(await stores.b.answerInputs(taskId, { sure: YES })).toMatchObject({ status: "working", lease: {} });
    // A queue may bring the task here all the same.
    const delivered = worker.run(taskId);
    gate.resolve();
    expect(await running).toMatchObject({ status: "completed" });
    expect(await delivered).toMatchObject({ status: "completed" });
  });

  it.skipIf(isLeftOut)("asks one after the other, a run for each", async () => {
    await using stores = await open();
    const { taskId } = await taskFor(stores.a);
    const starts: number[] = [];
    const worker = workerOf(stores.a, async ({ attempt, elicit }) => {
      starts.push(attempt);
      const sure = await elicit("sure", ASK_SURE, SUSPEND);
      const name = await elicit("name", other, SUSPEND);
      return { structuredContent: { actions: [sure.action, name.action] } };
    });
    await worker.run(taskId);
    await stores.b.answerInputs(taskId, { sure: YES });
    expect(await worker.run(taskId)).toMatchObject({ status: "input_required" });
    await stores.b.answerInputs(taskId, { name: ALICE });
    expect(await worker.run(taskId)).toMatchObject({ status: "completed" });
    expect(starts).toEqual([1, 1, 1]);
  });
});

describe("a tool that was suspended", () => {
  const endings: readonly (readonly [string, Run])[] = [
    [
      "swallows it and returns",
      async ({ elicit }) => {
        await elicit("sure", ASK_SURE, SUSPEND).catch(() => undefined);
        return text("too early");
      },
    ],
    [
      "swallows it and throws something else",
      async ({ elicit }) => {
        await elicit("sure", ASK_SURE, SUSPEND).catch(() => undefined);
        throw new Error("too early");
      },
    ],
    [
      "swallows it and returns nothing of sense",
      async ({ elicit }) => {
        await elicit("sure", ASK_SURE, SUSPEND).catch(() => undefined);
        return { structuredContent: () => 1 };
      },
    ],
    [
      "wraps it",
      async ({ elicit }) => {
        try {
          await elicit("sure", ASK_SURE, SUSPEND);
        } catch (cause) {
          throw new Error("it failed", { cause });
        }
        return text("done");
      },
    ],
    [
      "asks more, holding",
      async ({ elicit }) => {
        await elicit("sure", ASK_SURE, SUSPEND).catch(() => undefined);
        await elicit("name", other);
        return text("too early");
      },
    ],
  ];

  it.each(endings)("ends nothing when it %s", async (_name, first) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    let starts = 0;
    const worker = workerOf(stores.a, async (context) => {
      starts += 1;
      return starts === 1 ? await first(context) : text("done");
    });
    expect(await worker.run(taskId)).toMatchObject({ status: "input_required", attempts: 0 });
    const task = await read(stores.b, taskId);
    expect(task.outcome).toBeUndefined();
    expect(Object.keys(task.inputs)).toEqual(["sure"]);
    await stores.b.answerInputs(taskId, { sure: YES });
    expect(await worker.run(taskId)).toMatchObject({ status: "completed" });
  });

  it("can tell the suspension from an error, and cleans up", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const seen: unknown[] = [];
    const worker = workerOf(stores.a, async ({ elicit }) => {
      try {
        await elicit("sure", ASK_SURE, SUSPEND);
      } catch (error) {
        seen.push(isSuspension(error));
        await elicit("sure", ASK_SURE, SUSPEND).catch((again: unknown) => seen.push(isSuspension(again)));
        throw error;
      } finally {
        seen.push("cleaned up");
      }
      return text("done");
    });
    await worker.run(taskId);
    expect(seen).toEqual([true, true, "cleaned up"]);
    expect([isSuspension(new Error("x")), isSuspension(undefined), isSuspension("x")]).toEqual([false, false, false]);
  });

  it("asked two at once, and starts again only when both are answered", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const revisions = new Set<number>();
    const store = withFaults(stores.a, {
      requestInputs: async (...given) => {
        const task = await stores.a.requestInputs(...given);
        revisions.add(task.revision);
        return task;
      },
    });
    const worker = workerOf(store, async ({ elicit }) => {
      const answers = await Promise.all([elicit("sure", ASK_SURE, SUSPEND), elicit("name", other, SUSPEND)]);
      return { structuredContent: { actions: answers.map(({ action }) => action) } };
    });
    await worker.run(taskId);
    expect(Object.keys((await read(stores.b, taskId)).inputs)).toEqual(["sure", "name"]);
    expect(revisions.size).toBe(1);
    expect(await stores.b.answerInputs(taskId, { name: ALICE })).toMatchObject({ status: "input_required" });
    // A delivery too many asks nothing new and ends as it was.
    expect(await worker.run(taskId)).toMatchObject({ status: "input_required", attempts: 0 });
    await stores.b.answerInputs(taskId, { sure: { action: "cancel" } });
    expect(await worker.run(taskId)).toMatchObject({ status: "completed" });
    expect((await read(stores.b, taskId)).outcome).toMatchObject({
      result: { structuredContent: { actions: ["cancel", "accept"] } },
    });
  });

  it("beside a question that holds, frees its worker all the same", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const worker = workerOf(stores.a, async ({ elicit }) => {
      await Promise.all([elicit("sure", ASK_SURE), elicit("name", other, SUSPEND)]);
      return text("done");
    });
    expect(await worker.run(taskId)).toMatchObject({ status: "input_required", attempts: 0 });
    await stores.b.answerInputs(taskId, { sure: YES, name: ALICE });
    expect(await worker.run(taskId)).toMatchObject({ status: "completed" });
  });

  it("is cancelled at once by whoever cancels it then", async () => {
    await using stores = twoStores();
    const { run } = suspending();
    const { taskId } = await taskFor(stores.a);
    const worker = workerOf(stores.a, run);
    await worker.run(taskId);
    expect(await stores.b.requestCancellation(taskId)).toMatchObject({ status: "cancelled" });
    expect(await worker.run(taskId)).toBeUndefined();
  });

  it("is cancelled by its release when that was asked for while it unwound", async () => {
    await using stores = twoStores();
    const { run, starts } = suspending();
    const { taskId } = await taskFor(stores.a);
    const store = withFaults(stores.a, {
      releaseLease: async (...given) => {
        await stores.b.requestCancellation(taskId);
        return await stores.a.releaseLease(...given);
      },
    });
    expect(await workerOf(store, run).run(taskId)).toMatchObject({ status: "cancelled" });
    expect(starts()).toBe(1);
  });

  it("does not start again in a worker that closes", async () => {
    await using stores = twoStores();
    const { run, starts } = suspending();
    const { taskId } = await taskFor(stores.a);
    const store = withFaults(stores.a, {
      releaseLease: async (...given) => {
        void worker.close();
        await stores.b.answerInputs(taskId, { sure: YES });
        return await stores.a.releaseLease(...given);
      },
    });
    const worker = workerOf(store, run);
    expect(await worker.run(taskId)).toMatchObject({ status: "working", attempts: 0 });
    expect(starts()).toBe(1);
    expect(await workerOf(stores.b, run).run(taskId)).toMatchObject({ status: "completed" });
  });
});
