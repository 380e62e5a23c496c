/** One endpoint answers clients of both generations; a task keeps the semantics of the one that made it. */
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { at } from "../listen-wire.ts";
import { BACKENDS, ended } from "../two-stores.ts";
import { EXTENSION } from "../v2-server.ts";
import { serveBoth } from "./both-generations-server.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { echo, greeter, isError, needsTask } from "./test-tools.ts";

const TOOLS = [echo, greeter, isError, needsTask];

describe.each(BACKENDS)("one endpoint on $name", (backend) => {
  it.skipIf(backend.isLeftOut)(
    "makes a failed task of an error in one generation, and a completed one in the other",
    async () => {
      await using stores = await backend.open();
      await using server = await serveBoth(stores.a, TOOLS);
      await using alice = await connectHttp(server.url, { user: "alice" });
      const { client } = alice;
      const old = await client.request({ method: "tools/call", params: { name: "is_error", task: {} } }, ResultSchema);
      const oldId = String(at(old, "task")["taskId"]);
      const young = at(await server.modern("tools/call", { name: "is_error", arguments: {} }), "result");
      const youngId = String(young["taskId"]);
      expect(young).toMatchObject({ resultType: "task", status: "working" });

      expect(await ended(stores.b, oldId)).toMatchObject({ generation: "2025-11-25", status: "failed" });
      expect(await ended(stores.b, youngId)).toMatchObject({ generation: "2026-07-28", status: "completed" });

      // Each as the other sees it: 2026-07-28 has no failure with a result, 2025-11-25 says what was stored.
      const { tasks } = client.experimental;
      expect(await tasks.getTask(oldId)).toMatchObject({ status: "failed" });
      expect(await tasks.getTask(youngId)).toMatchObject({ status: "completed" });
      const seenOld = at(await server.modern("tasks/get", { taskId: oldId }), "result");
      expect(seenOld).toMatchObject({ status: "completed", result: { isError: true } });
      expect(JSON.stringify(seenOld)).not.toContain("related-task");
      const result = await client.request({ method: "tasks/result", params: { taskId: youngId } }, ResultSchema);
      expect(result).toMatchObject({ isError: true, content: [{ text: "no luck" }] });
      expect(await server.modern("tasks/get", { taskId: youngId })).toMatchObject({
        result: { status: "completed", result: { isError: true } },
      });
    },
  );

  it.skipIf(backend.isLeftOut)("lets a client of either generation answer what a task of the other asks", async () => {
    await using stores = await backend.open();
    await using server = await serveBoth(stores.a, TOOLS);
    const answer = { action: "accept" as const, content: { name: "Alice" } };
    await using alice = await connectHttp(server.url, { user: "alice", answer: () => answer });
    const { client } = alice;
    const old = await client.request({ method: "tools/call", params: { name: "greet", task: {} } }, ResultSchema);
    const taskId = String(at(old, "task")["taskId"]);
    for (;;) {
      const task = at(await server.modern("tasks/get", { taskId }), "result");
      if (task["status"] === "input_required") break;
      expect(task["status"]).toBe("working");
    }
    await server.modern("tasks/update", { taskId, inputResponses: { name: answer } });
    const result = await client.request({ method: "tasks/result", params: { taskId } }, ResultSchema);
    expect(result).toMatchObject({ content: [{ text: "Hello, Alice!" }] });

    const capabilities = { elicitation: { form: {} }, extensions: { [EXTENSION]: {} } };
    const young = await server.modern("tools/call", { name: "greet", arguments: {} }, { capabilities });
    const params = { taskId: String(at(young, "result")["taskId"]) };
    const asked = await client.request({ method: "tasks/result", params }, ResultSchema);
    expect(asked).toMatchObject({ content: [{ text: "Hello, Alice!" }] });
    expect(await server.modern("tasks/get", params)).toMatchObject({
      result: { status: "completed", result: { content: [{ text: "Hello, Alice!" }] } },
    });
  });

  it.skipIf(backend.isLeftOut)("has each generation's methods for its own clients only", async () => {
    await using stores = await backend.open();
    await using server = await serveBoth(stores.a, TOOLS);
    await using alice = await connectHttp(server.url, { user: "alice" });
    for (const method of ["tasks/result", "tasks/list"]) {
      expect(await server.modern(method, { taskId: "x" })).toMatchObject({ error: { code: -32_601 } });
    }
    const update = alice.client.request({ method: "tasks/update", params: { taskId: "x" } }, ResultSchema);
    expect(await rpcErrorOf(update)).toMatchObject({ code: -32_601 });
    expect(alice.client.getServerCapabilities()).not.toHaveProperty("extensions");
    const discovered = at(await server.modern("server/discover", {}), "result", "capabilities");
    expect(discovered).not.toHaveProperty("tasks");
    expect(discovered).toHaveProperty("extensions");
  });
});
