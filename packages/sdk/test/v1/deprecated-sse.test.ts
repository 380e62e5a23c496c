/** Tasks over the deprecated transport HTTP+SSE, where one stream carries everything. */
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { pollUntil } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, BACKENDS, read, twoStores } from "../two-stores.ts";
import { counted } from "./counted-store.ts";
import { connectSse, serveSse } from "./sse-server.ts";
import { answer, question, questions, result, silent, start } from "./task-calls.ts";
import { rpcErrorOf } from "./test-client.ts";
import { greeter } from "./test-tools.ts";

const HELLO_ALICE = { content: [{ type: "text", text: "Hello, Alice!" }] };

describe.each(BACKENDS)("a client of HTTP+SSE, on $name", (backend) => {
  it.skipIf(backend.isLeftOut)("has a task made, is asked, told how it goes, and gets the result", async () => {
    await using stores = await backend.open();
    const tasks = new TasksSupport(stores.a, { tools: [greeter] });
    await using server = await serveSse((mcp) => tasks.attach(mcp));
    await using alice = await connectSse(server.url, silent);
    const taskId = await start(alice);
    const waiting = result(alice, taskId);
    await answer(alice, await question(alice));
    expect(await waiting).toMatchObject(HELLO_ALICE);
    const statuses = alice.received.flatMap((m) => ("method" in m ? [m.params?.["status"]] : []));
    expect(statuses).toContain("input_required");
    expect(statuses).toContain("completed");
    expect((await alice.client.experimental.tasks.listTasks()).tasks).toMatchObject([{ taskId, status: "completed" }]);
    const call = { method: "tools/call", params: { name: "greet" } };
    const direct = alice.client.request(call, ResultSchema);
    await answer(alice, await question(alice, 2), "Bob");
    expect(await direct).toMatchObject({ content: [{ text: "Hello, Bob!" }] });
  });
});

describe("a client of HTTP+SSE", () => {
  it("that goes away while it waits leaves nothing behind, and is asked again when it is back", async () => {
    await using stores = twoStores({ safetyPollMs: 600_000 });
    const { store, waits } = counted(stores.a);
    const tasks = new TasksSupport(store, { tools: [greeter] });
    await using server = await serveSse((mcp) => tasks.attach(mcp));
    const before = await connectSse(server.url, silent);
    const taskId = await start(before);
    const lost = rpcErrorOf(result(before, taskId));
    const first = await question(before);
    expect(waits()).toBe(2);
    await before.client.close();
    await lost;
    await pollUntil(() => waits() === 0, { what: "the wait to end" });
    expect(server.sessions.size).toBe(0);
    await using after = await connectSse(server.url, silent);
    const waiting = result(after, taskId);
    expect(await question(after)).not.toBe(first);
    // To the question as it was asked first.
    await answer(after, first);
    expect(await waiting).toMatchObject(HELLO_ALICE);
    await pollUntil(() => waits() === 0, { what: "nothing to wait" });
  });

  it("gets nobody else's task, nor answers for it", async () => {
    await using stores = twoStores();
    const tasks = new TasksSupport(stores.a, { tools: [greeter] });
    await using server = await serveSse((mcp) => tasks.attach(mcp));
    await using alice = await connectSse(server.url, silent);
    await using mallory = await connectSse(server.url, { ...silent, user: "mallory" });
    const taskId = await start(alice);
    await asked(stores.a, taskId);
    expect(await rpcErrorOf(result(mallory, taskId))).toMatchObject({ code: -32_602 });
    await answer(mallory, `task-input/${taskId}/name/x`, "Mallory");
    await mallory.client.ping();
    expect((await read(stores.b, taskId)).status).toBe("input_required");
    expect(questions(mallory)).toEqual([]);
  });
});
