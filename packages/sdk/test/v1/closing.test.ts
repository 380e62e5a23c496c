/** What ends with a server that closes, though its connections and its store stay open. */
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { type ScopedTaskStore, TaskStoreError } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { expect, it } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, read, twoStores, withFaults } from "../two-stores.ts";
import { counted } from "./counted-store.ts";
import { serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf, type TestClient } from "./test-client.ts";
import { suspender } from "./test-tools.ts";
import { accepted, silent, start } from "./task-calls.ts";

async function question({ received }: TestClient): Promise<string | number> {
  const ids = (): (string | number)[] =>
    received.flatMap((message) =>
      "method" in message && message.method === "elicitation/create" && "id" in message ? [message.id] : [],
    );
  return await pollUntil(() => ids()[0], { what: "a question" });
}

it("waits for results end, and clients that are told of their tasks are told no more", async () => {
  await using stores = twoStores({ safetyPollMs: 600_000 });
  const { store, waits } = counted(stores.a);
  const tasks = new TasksSupport(store, { tools: [suspender] });
  await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
  await using alice = await connectHttp(server.url, silent);
  const taskId = await start(alice);
  await asked(stores.a, taskId);
  const wait = async () =>
    await rpcErrorOf(alice.client.request({ method: "tasks/result", params: { taskId } }, ResultSchema));
  const waiting = [wait(), wait()];
  await pollUntil(() => waits() === 3, { what: "two waits, and one that follows the task" });
  await tasks.close();
  const closes = { code: -32_603, message: "This server closes; ask again", data: { retryable: true } };
  expect(await Promise.all(waiting)).toEqual([closes, closes]);
  expect(await wait()).toEqual(closes);
  await pollUntil(() => waits() === 0, { what: "nothing to wait" });
  expect((await read(stores.a, taskId)).status).toBe("input_required");
});

it("an answer that meets an outage is not tried again", async () => {
  await using stores = twoStores();
  let attempts = 0;
  const scoped = (principal: string | null): ScopedTaskStore => {
    const view = stores.a.scoped(principal);
    const answerInputs = async (): Promise<never> => {
      attempts += 1;
      throw new TaskStoreError("STORE_UNAVAILABLE", "It is out.");
    };
    return { ...view, principal: view.principal, answerInputs };
  };
  const errors: unknown[] = [];
  const tasks = new TasksSupport(withFaults(stores.a, { scoped }), {
    tools: [suspender],
    onError: (error) => void errors.push(error),
  });
  await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
  await using alice = await connectHttp(server.url, silent);
  const taskId = await start(alice);
  const waiting = rpcErrorOf(alice.client.request({ method: "tasks/result", params: { taskId } }, ResultSchema));
  await alice.transport.send({ jsonrpc: "2.0", id: await question(alice), result: accepted });
  await pollUntil(() => attempts > 0, { what: "an attempt" });
  await tasks.close();
  await waiting;
  // All attempts together would take half a minute.
  await pollUntil(() => errors.length > 0, { what: "the answer to be given up", deadlineMs: 20_000 });
  expect(errors).toEqual([new TaskStoreError("STORE_UNAVAILABLE", "It is out.")]);
});
