import type { JsonObject, Task } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createTaskWorker, defineTaskTool, type ElicitAnswer, type TaskTool } from "../src/index.ts";
import { ASK_SURE, type Run, type SURE, taskFor, text, toolOf, YES } from "./task-tools.ts";
import { ended, read, twoStores, until, withFaults } from "./two-stores.ts";
import { taskIdOf, testServer } from "./v2-server.ts";

const keysOf = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `k${index}`);
const openKeys = ({ inputs }: Task): readonly string[] =>
  Object.entries(inputs).flatMap(([key, { response }]) => (response === undefined ? [key] : []));
const answersTo = (keys: readonly string[]): Record<string, JsonObject> =>
  Object.fromEntries(keys.map((key) => [key, YES]));

/** Asks so many questions together. */
function asking(count: number, whileWaiting: "hold" | "suspend" = "hold"): TaskTool {
  return defineTaskTool({
    name: "work",
    run: async (_args, { elicit }) => {
      await Promise.all(keysOf(count).map(async (key) => await elicit(key, ASK_SURE, { whileWaiting })));
      return text("all answered");
    },
  });
}

describe("more questions than one write takes", () => {
  it.each([[100], [101], [250]])("are all asked: %d", async (count) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    let writes = 0;
    const store = withFaults(stores.a, {
      requestInputs: async (...given) => {
        writes += 1;
        return await stores.a.requestInputs(...given);
      },
    });
    const running = createTaskWorker(store, { tools: [asking(count)] }).run(taskId);
    const task = await until(stores.b, taskId, ({ inputs }) => Object.keys(inputs).length === count);
    expect(writes).toBe(Math.ceil(count / 100));
    const keys = openKeys(task);
    for (let start = 0; start < count; start += 100) {
      await stores.b.answerInputs(taskId, answersTo(keys.slice(start, start + 100)));
    }
    expect(await running).toMatchObject({ status: "completed" });
  });

  it("may all be answered in one tasks/update, and the run goes on once", async () => {
    await using stores = twoStores();
    const dispatched: string[] = [];
    const tool = asking(120, "suspend");
    const server = testServer(stores.a, { tools: [tool], dispatch: (_task, reason) => dispatched.push(reason) });
    const worker = createTaskWorker(stores.b, { tools: [tool] });
    const taskId = taskIdOf(await server.call("tools/call", { name: "work" }));
    expect(await worker.run(taskId)).toMatchObject({ status: "input_required" });
    const { result } = await server.call("tasks/get", { taskId });
    const keys = Object.keys(z.record(z.string(), z.unknown()).parse(result?.["inputRequests"]));
    expect(keys).toHaveLength(120);
    expect((await server.call("tasks/update", { taskId, inputResponses: answersTo(keys) })).error).toBeUndefined();
    expect(dispatched).toEqual(["created", "answered"]);
    expect(await worker.run(taskId)).toMatchObject({ status: "completed" });
  });

  it("are judged before the first answer is stored", async () => {
    await using stores = twoStores();
    const server = testServer(stores.a, { tools: [asking(120)] });
    const taskId = taskIdOf(await server.call("tools/call", { name: "work" }));
    await until(stores.b, taskId, ({ inputs }) => Object.keys(inputs).length === 120);
    const inputResponses = { ...answersTo(keysOf(120)), k119: { action: "accept", content: { sure: "perhaps" } } };
    const { error } = await server.call("tasks/update", { taskId, inputResponses });
    expect(error).toMatchObject({ code: -32_602, data: { key: "k119" } });
    expect(openKeys(await read(stores.b, taskId))).toHaveLength(120);
    await server.call("tasks/update", { taskId, inputResponses: answersTo(keysOf(120)) });
    expect((await ended(stores.b, taskId)).outcome).toMatchObject({ result: text("all answered") });
  });
});

describe("a question that is refused", () => {
  it.each<[string, string, string, string]>([
    ["its key was used", "a", "another", "INPUT_KEY_REUSED"],
    ["it is too large", "c", "x".repeat(20_000), "PAYLOAD_TOO_LARGE"],
    ["it cannot be stored", "c", "cut \uD83D", "INVALID_ARGUMENT"],
  ])("takes no other of its turn with it: %s", async (_name, key, message, code) => {
    await using stores = twoStores({ maxPayloadBytes: 10_000 });
    const { taskId } = await taskFor(stores.a);
    const seen: PromiseSettledResult<ElicitAnswer<z.infer<typeof SURE>>>[] = [];
    const run: Run = async ({ elicit }) => {
      await elicit("a", ASK_SURE);
      seen.push(
        ...(await Promise.allSettled([
          elicit("b", ASK_SURE),
          elicit(key, { ...ASK_SURE, message }),
          elicit("d", ASK_SURE),
        ])),
      );
      return text("done");
    };
    const running = createTaskWorker(stores.a, { tools: [toolOf(run)] }).run(taskId);
    await until(stores.b, taskId, ({ inputs }) => "a" in inputs);
    await stores.b.answerInputs(taskId, answersTo(["a"]));
    await until(stores.b, taskId, ({ inputs }) => "b" in inputs && "d" in inputs);
    await stores.b.answerInputs(taskId, answersTo(["b", "d"]));
    expect(await running).toMatchObject({ status: "completed" });
    expect(seen).toMatchObject([{ value: YES }, { reason: { code } }, { value: YES }]);
  });
});
