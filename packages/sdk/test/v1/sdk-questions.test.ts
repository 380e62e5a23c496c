/** What tools of the SDK's own ask through the queue: on which connection, and whose the answers are. */
import { CreateTaskResultSchema, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, it } from "vitest";
import { asked, twoStores } from "../two-stores.ts";
import { FORM, makeSdkTask, serveSdkTool } from "./sdk-tool-server.ts";
import { answer, question, result, silent } from "./task-calls.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { gate } from "./test-tools.ts";

it("an answer to a queued question is not taken for another tool's, on the connection of another server", async () => {
  await using stores = twoStores();
  await using server = await serveSdkTool(stores.a);
  await using one = await connectHttp(server.url, silent);
  const taskId = await makeSdkTask(one);
  await asked(stores.a, taskId);
  const told = gate();
  await using two = await connectHttp(server.url, {
    user: "alice",
    answer: async (message) => {
      if (message === FORM.message) return { action: "accept", content: { name: "YES" } };
      await told.passed;
      return { action: "accept", content: { name: "Alice" } };
    },
  });
  const greeted = two.client.request({ method: "tools/call", params: { name: "greet" } }, ResultSchema);
  await question(two);
  expect(await result(two, taskId)).toMatchObject({ content: [{ text: "told YES" }] });
  told.open();
  expect(await greeted).toMatchObject({ content: [{ text: "Hello, Alice!" }] });
});

it("somebody else's answer is not passed on", async () => {
  await using stores = twoStores();
  await using server = await serveSdkTool(stores.a);
  await using alice = await connectHttp(server.url, silent);
  const taskId = await makeSdkTask(alice);
  await asked(stores.a, taskId);
  const ended = result(alice, taskId);
  const id = await question(alice);
  await using mallory = await connectHttp(server.url, { user: "mallory" });
  await answer(mallory, id, "Mallory");
  await mallory.client.ping();
  await answer(alice, id, "Alice");
  expect(await ended).toMatchObject({ content: [{ text: "told Alice" }] });
});

it.each([false, true])("a request is answered whichever task its _meta names (stateless: %s)", async (isStateless) => {
  await using stores = twoStores();
  await using server = await serveSdkTool(stores.a, { isStateless });
  await using alice = await connectHttp(server.url, silent);
  const call = { method: "tools/call", params: { name: "greet", task: {} } };
  const own = (await alice.client.request(call, CreateTaskResultSchema)).task.taskId;
  for (const taskId of [own, "no-such-task"]) {
    const _meta = { "io.modelcontextprotocol/related-task": { taskId } };
    expect(await alice.client.request({ method: "ping", params: { _meta } }, ResultSchema)).toEqual({});
    expect(await alice.client.request({ method: "tools/list", params: { _meta } }, ResultSchema)).toHaveProperty(
      "tools",
    );
    const unknown = alice.client.request({ method: "nonsense", params: { _meta } }, ResultSchema);
    expect(await rpcErrorOf(unknown)).toMatchObject({ code: -32_601 });
  }
});
