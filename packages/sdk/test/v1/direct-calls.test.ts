/** What a call without a task leaves behind when its tool has ended: nothing. */
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { pollUntil } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool, type TaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { twoStores } from "../two-stores.ts";
import { serveHttp } from "./http-server.ts";
import { connectInMemory } from "./in-memory-server.ts";
import { silent, start } from "./task-calls.ts";
import { connectHttp, type TestClient } from "./test-client.ts";
import { gate } from "./test-tools.ts";

const FORM = { message: "Your name?", requestedSchema: z.object({ name: z.string() }) };

/** A server on one kind of connection, and its client. */
type Open = (tools: readonly TaskTool[]) => Promise<TestClient>;

const CONNECTIONS: readonly { readonly name: string; readonly open: Open }[] = [
  {
    name: "one connection for everything",
    open: async (tools) => {
      const stores = twoStores();
      const tasks = new TasksSupport(stores.a, { tools, principal: () => "alice" });
      const client = await connectInMemory((mcp) => tasks.attach(mcp), silent);
      return { ...client, [Symbol.asyncDispose]: async () => await closeAll(client, tasks, stores) };
    },
  },
  {
    name: "Streamable HTTP",
    open: async (tools) => {
      const stores = twoStores();
      const tasks = new TasksSupport(stores.a, { tools });
      const server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
      const client = await connectHttp(server.url, silent);
      return { ...client, [Symbol.asyncDispose]: async () => await closeAll(client, server, tasks, stores) };
    },
  },
];

async function closeAll(...all: readonly AsyncDisposable[]): Promise<void> {
  for (const one of all) await one[Symbol.asyncDispose]();
}

/** What the client got of it, in order: requests by their method, withdrawals by what they name, the answer. */
function heard({ received }: TestClient): readonly unknown[] {
  return received.map((message) => {
    if (!("method" in message)) return "result" in message ? "answer" : "error";
    if (message.method !== "notifications/cancelled") return message.method;
    const asked = received.find((other) => "id" in other && other.id === message.params?.["requestId"]);
    return ["cancelled", asked !== undefined && "method" in asked && asked.method];
  });
}

describe.each(CONNECTIONS)("on $name", ({ open }) => {
  it("a question of a tool that does not wait for it is taken back before the answer", async () => {
    const asked = gate();
    const tool = defineTaskTool({
      name: "impatient",
      run: async (_args, { elicit }) => {
        void elicit("name", FORM);
        await asked.passed;
        return { content: [] };
      },
    });
    await using alice = await open([tool]);
    const answer = alice.client.request({ method: "tools/call", params: { name: "impatient" } }, ResultSchema);
    await pollUntil(() => alice.received.length === 1, { what: "the question" });
    asked.open();
    await answer;
    expect(heard(alice)).toEqual(["elicitation/create", ["cancelled", "elicitation/create"], "answer"]);
  });

  it("a question that was answered is not taken back", async () => {
    const tool = defineTaskTool({
      name: "patient",
      run: async (_args, { elicit }) => {
        const { action } = await elicit("name", FORM);
        return { content: [{ type: "text", text: action }] };
      },
    });
    await using alice = await open([tool]);
    const answer = alice.client.request({ method: "tools/call", params: { name: "patient" } }, ResultSchema);
    const [question] = await pollUntil(() => alice.received.length > 0 && alice.received, { what: "the question" });
    const id = question !== undefined && "id" in question && question.id !== undefined ? question.id : "";
    await alice.transport.send({ jsonrpc: "2.0", id, result: { action: "decline" } });
    expect(await answer).toMatchObject({ content: [{ text: "decline" }] });
    await alice.client.ping();
    expect(heard(alice)).toEqual(["elicitation/create", "answer", "answer"]);
  });

  it("a question that comes after the answer is not asked", async () => {
    const late = gate();
    const asked: Promise<unknown>[] = [];
    const tool = defineTaskTool({
      name: "belated",
      run: (_args, { elicit }) => {
        asked.push(late.passed.then(async () => await elicit("name", FORM)));
        return { content: [] };
      },
    });
    await using alice = await open([tool]);
    await alice.client.request({ method: "tools/call", params: { name: "belated" } }, ResultSchema);
    late.open();
    await expect(Promise.all(asked)).rejects.toThrow("The call has been answered");
    await alice.client.ping();
    expect(heard(alice)).toEqual(["answer", "answer"]);
  });

  it("a question of a tool that fails is taken back, too", async () => {
    const asked = gate();
    const tool = defineTaskTool({
      name: "impatient",
      run: async (_args, { elicit }) => {
        void elicit("name", FORM);
        await asked.passed;
        throw new Error("No time");
      },
    });
    await using alice = await open([tool]);
    const answer = alice.client.request({ method: "tools/call", params: { name: "impatient" } }, ResultSchema);
    await pollUntil(() => alice.received.length === 1, { what: "the question" });
    asked.open();
    expect(await answer).toMatchObject({ isError: true, content: [{ text: "No time" }] });
    expect(heard(alice)).toEqual(["elicitation/create", ["cancelled", "elicitation/create"], "answer"]);
  });

  it("a question of prepare that does not wait for it is taken back before the task is told of", async () => {
    const asked = gate();
    const tool = defineTaskTool({
      name: "impatient",
      prepare: async (_args, { elicit }) => {
        void elicit("name", FORM);
        await asked.passed;
        return {};
      },
      run: () => ({ content: [] }),
    });
    await using alice = await open([tool]);
    const started = start(alice, "impatient");
    await pollUntil(() => alice.received.length === 1, { what: "the question" });
    asked.open();
    await started;
    expect(heard(alice).slice(0, 3)).toEqual(["elicitation/create", ["cancelled", "elicitation/create"], "answer"]);
  });
});

describe("progress of a call", () => {
  it("goes out before the answer, though it takes its time, and not after", async () => {
    await using stores = twoStores();
    const [sent, late] = [gate(), gate()];
    const tool = defineTaskTool({
      name: "report",
      run: (_args, { reportProgress, updateStatus }) => {
        void reportProgress({ progress: 1 });
        void reportProgress({ progress: 2 });
        void Promise.resolve().then(async () => await reportProgress({ progress: 3 }));
        void late.passed.then(async () => {
          await reportProgress({ progress: 4 });
          await updateStatus("late");
        });
        return { content: [] };
      },
    });
    const tasks = new TasksSupport(stores.a, { tools: [tool], principal: () => "alice" });
    let isHeld = false;
    await using alice = await connectInMemory(
      (mcp) => tasks.attach(mcp),
      {},
      (transport) => {
        const send = transport.send.bind(transport);
        transport.send = async (message: JSONRPCMessage, options) => {
          if ("method" in message) {
            isHeld = true;
            await sent.passed;
          }
          await send(message, options);
        };
      },
    );
    const params = { name: "report", _meta: { progressToken: "p" } };
    const answer = alice.client.request({ method: "tools/call", params }, ResultSchema);
    await pollUntil(() => isHeld, { what: "progress on its way" });
    late.open();
    await alice.client.ping();
    expect(heard(alice)).toEqual(["answer"]); // of the ping
    sent.open();
    await answer;
    await alice.client.ping();
    const amounts = alice.received.flatMap((m) => ("method" in m ? [m.params?.["progress"]] : []));
    expect(heard(alice).slice(1)).toEqual(amounts.map(() => "notifications/progress").concat("answer", "answer"));
    expect(Math.max(...amounts.map(Number))).toBeLessThanOrEqual(3);
  });
});
