import { Resolver, type Task } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createTaskWorker, type ElicitAnswer } from "../src/index.ts";
import { ASK_SURE, type Run, SURE, taskFor, text, toolOf, YES } from "./task-tools.ts";
import { asked, BACKENDS, read, type TwoStores, twoStores, until, withFaults } from "./two-stores.ts";

const other = { message: "Another question?", requestedSchema: z.object({ name: z.string() }) };

/** Runs a tool on a new task; `meanwhile` acts from another process. */
async function played(
  stores: TwoStores,
  run: Run,
  meanwhile: (taskId: string) => Promise<unknown>,
): Promise<{ readonly task: Task; readonly left: Task | undefined }> {
  const { taskId } = await taskFor(stores.a);
  const worker = createTaskWorker(stores.a, { tools: [toolOf(run)] });
  const [left] = await Promise.all([worker.run(taskId), meanwhile(taskId)]);
  return { task: await read(stores.b, taskId), left };
}

const structured = (value: unknown): { structuredContent: unknown } => ({ structuredContent: value });

describe.each(BACKENDS)("elicit that holds, on $name", ({ open, isLeftOut }) => {
  it.skipIf(isLeftOut)("waits under its lease, and gets the answer from another process", async () => {
    await using stores = await open();
    const { task } = await played(
      stores,
      async ({ elicit }) => structured(await elicit("sure", ASK_SURE)),
      async (taskId) => {
        const open = await asked(stores.b, taskId);
        expect(open.lease).toBeDefined();
        expect(open.inputs).toEqual({
          sure: {
            request: {
              method: "elicitation/create",
              params: {
                mode: "form",
                message: "Sure?",
                requestedSchema: { type: "object", properties: { sure: { type: "boolean" } }, required: ["sure"] },
              },
            },
          },
        });
        await stores.b.answerInputs(taskId, { sure: YES });
      },
    );
    expect(task.outcome).toEqual({
      status: "completed",
      result: structured({ action: "accept", content: { sure: true } }),
    });
  });

  it.skipIf(isLeftOut)("asks two at once in one write, and takes answers one by one", async () => {
    await using stores = await open();
    const revisions: number[] = [];
    const store = withFaults(stores.a, {
      requestInputs: async (...given) => {
        const task = await stores.a.requestInputs(...given);
        revisions.push(task.revision);
        return task;
      },
    });
    const { task } = await played(
      { ...stores, a: store },
      async ({ elicit }) => {
        const answers = await Promise.all([elicit("sure", ASK_SURE), elicit("name", other)]);
        return structured(answers);
      },
      async (taskId) => {
        const first = await asked(stores.b, taskId);
        expect(Object.keys(first.inputs).sort()).toEqual(["name", "sure"]);
        const half = await stores.b.answerInputs(taskId, { name: { action: "accept", content: { name: "Alice" } } });
        expect(half.status).toBe("input_required");
        await stores.b.answerInputs(taskId, { sure: YES });
      },
    );
    expect(revisions).toHaveLength(1);
    expect(task.outcome).toMatchObject({
      status: "completed",
      result: structured([
        { action: "accept", content: { sure: true } },
        { action: "accept", content: { name: "Alice" } },
      ]),
    });
  });

  it.skipIf(isLeftOut)("asks one after the other", async () => {
    await using stores = await open();
    const { task } = await played(
      stores,
      async ({ elicit }) => {
        const sure = await elicit("sure", ASK_SURE);
        const name = await elicit("name", other);
        return structured([sure.action, name.action]);
      },
      async (taskId) => {
        expect(Object.keys((await asked(stores.b, taskId)).inputs)).toEqual(["sure"]);
        await stores.b.answerInputs(taskId, { sure: YES });
        await until(stores.b, taskId, ({ inputs }) => "name" in inputs);
        await stores.b.answerInputs(taskId, { name: { action: "decline" } });
      },
    );
    expect(task.outcome).toMatchObject({ result: structured(["accept", "decline"]) });
  });
});

describe("the keys of questions", () => {
  const keys = ["constructor", "toString", "hasOwnProperty", "0", "a/b.c", "k".repeat(255), "ключ"];

  it.each(keys.map((key) => [key]))("may be named like this, asked alone: %s", async (key) => {
    await using stores = twoStores();
    const { task } = await played(
      stores,
      async ({ elicit }) => structured(await elicit(key, ASK_SURE)),
      async (taskId) => {
        expect(Object.keys((await asked(stores.b, taskId)).inputs)).toEqual([key]);
        await stores.b.answerInputs(taskId, Object.fromEntries([[key, YES]]));
      },
    );
    expect(task.outcome).toMatchObject({ status: "completed", result: structured({ action: "accept" }) });
  });

  it.each(BACKENDS.filter(({ isLeftOut }) => !isLeftOut))(
    "may be named like this, asked all at once, on $name",
    async ({ open }) => {
      await using stores = await open();
      const { task } = await played(
        stores,
        async ({ elicit }) => {
          const answers = await Promise.all(keys.map(async (key) => await elicit(key, ASK_SURE)));
          return structured(answers.map(({ action }) => action));
        },
        async (taskId) => {
          expect(Object.keys((await asked(stores.b, taskId)).inputs).sort()).toEqual(keys.toSorted());
          await stores.b.answerInputs(taskId, Object.fromEntries(keys.map((key) => [key, YES])));
        },
      );
      expect(task.outcome).toMatchObject({ result: structured(keys.map(() => "accept")) });
    },
  );

  it.each([
    ["empty", "", "1 to 255"],
    ["longer than 255 bytes", "k".repeat(256), "1 to 255"],
    ["300 bytes in fewer characters", "é".repeat(150), "1 to 255"],
    ["__proto__, under which the official SDK loses answers", "__proto__", "No client can answer"],
    ["one of those that tools of SDK 1.x have", "@modelcontextprotocol/sdk:0", "must not start as"],
  ])("are refused when %s, and nothing is asked", async (_name, key, message) => {
    await using stores = twoStores();
    const seen: unknown[] = [];
    const { task } = await played(
      stores,
      async ({ elicit }) => {
        await elicit(key, ASK_SURE).catch((error: unknown) => seen.push(error));
        return text("went on");
      },
      async () => undefined,
    );
    expect(seen).toEqual([expect.any(TypeError)]);
    expect(String(seen[0])).toContain(message);
    expect(task).toMatchObject({ status: "completed", inputs: {} });
  });

  it("give the same answer when one is used twice in a run, in one turn and later", async () => {
    await using stores = twoStores();
    const { task } = await played(
      stores,
      async ({ elicit }) => {
        const both = await Promise.all([elicit("sure", ASK_SURE), elicit("sure", ASK_SURE)]);
        const again = await elicit("sure", ASK_SURE);
        return structured([...both, again].map(({ action }) => action));
      },
      async (taskId) => {
        const { inputs } = await asked(stores.b, taskId);
        expect(Object.keys(inputs)).toEqual(["sure"]);
        await stores.b.answerInputs(taskId, { sure: YES });
      },
    );
    expect(task.outcome).toMatchObject({ result: structured(["accept", "accept", "accept"]) });
  });

  it.each([
    ["later", async (elicit: Parameters<Run>[0]["elicit"]) => [await elicit("k", ASK_SURE), await elicit("k", other)]],
    [
      "in the same turn",
      async (elicit: Parameters<Run>[0]["elicit"]) => await Promise.all([elicit("k", ASK_SURE), elicit("k", other)]),
    ],
  ] as const)("are no other question's: %s", async (_name, ask) => {
    await using stores = twoStores();
    const { task } = await played(
      stores,
      async ({ elicit }) => structured(await ask(elicit)),
      async (taskId) => {
        const { inputs } = await asked(stores.b, taskId);
        expect(inputs["k"]?.request.params?.["message"]).toBe("Sure?");
        await stores.b.answerInputs(taskId, { k: YES }).catch(() => undefined);
      },
    );
    expect(task.outcome).toEqual({
      status: "failed",
      error: { code: -32_602, message: expect.stringContaining("key"), data: { code: "INPUT_KEY_REUSED" } },
    });
  });
});

describe("a question that holds", () => {
  it("ends with the run's cancellation, and the task is cancelled", async () => {
    await using stores = twoStores();
    const { task } = await played(
      stores,
      async ({ elicit }) => structured(await elicit("sure", ASK_SURE)),
      async (taskId) => {
        await asked(stores.b, taskId);
        await stores.b.requestCancellation(taskId);
      },
    );
    expect(task).toMatchObject({ status: "cancelled", inputs: {} });
  });

  it("ends with the worker, and the next one asks nobody twice", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const run: Run = async ({ elicit }) => structured(await elicit("sure", ASK_SURE));
    const first = createTaskWorker(stores.a, { tools: [toolOf(run)] });
    const running = first.run(taskId);
    const before = await asked(stores.b, taskId);
    await first.close();
    expect(await running).toMatchObject({ status: "input_required", attempts: 0 });
    const second = createTaskWorker(stores.b, { tools: [toolOf(run)] });
    const again = second.run(taskId);
    await until(stores.b, taskId, ({ lease }) => lease !== undefined);
    await stores.a.answerInputs(taskId, { sure: YES });
    expect(await again).toMatchObject({ status: "completed" });
    expect((await read(stores.b, taskId)).inputs["sure"]?.request).toEqual(before.inputs["sure"]?.request);
  });

  it("survives its worker: the next run gets the answer that came meanwhile", async () => {
    await using stores = twoStores({ onOrphan: () => undefined });
    const { taskId } = await taskFor(stores.a);
    const seen: ElicitAnswer<{ sure: boolean }>[] = [];
    const run: Run = async ({ elicit }) => {
      seen.push(await elicit("sure", { message: "Sure?", requestedSchema: SURE }));
      return text("done");
    };
    const cutOff = withFaults(stores.a, { renewLease: async () => await new Promise(() => undefined) });
    const lost = createTaskWorker(cutOff, { tools: [toolOf(run)] }).run(taskId);
    await asked(stores.b, taskId);
    stores.advance(30_001);
    expect(await stores.b.maintain()).toMatchObject({ released: 1 });
    await stores.b.answerInputs(taskId, { sure: YES });
    expect(await createTaskWorker(stores.b, { tools: [toolOf(run)] }).run(taskId)).toMatchObject({
      status: "completed",
      attempts: 2,
    });
    await lost;
    expect(seen).toEqual([{ action: "accept", content: { sure: true } }]);
    expect(Object.keys((await read(stores.b, taskId)).inputs)).toEqual(["sure"]);
  });

  it("left behind by a tool that ends is no unhandled rejection", async () => {
    await using stores = twoStores();
    const first = new Resolver<string>();
    const { task } = await played(
      stores,
      async ({ elicit }) => {
        void elicit("sure", ASK_SURE);
        await until(stores.b, await first.wait(), ({ status }) => status === "input_required");
        return text("did not wait");
      },
      async (taskId) => first.resolve(taskId),
    );
    expect(task).toMatchObject({ status: "completed", inputs: {} });
  });
});
