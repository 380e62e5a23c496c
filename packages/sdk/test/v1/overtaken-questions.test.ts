/** A wait that gives way to a newer one while its questions are on their way. */
import { pollUntil } from "@mcp-task-store/services";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, twoStores } from "../two-stores.ts";
import { counted } from "./counted-store.ts";
import { result, start } from "./task-calls.ts";
import { connect } from "./test-client.ts";
import { gate } from "./test-tools.ts";

const two = defineTaskTool({
  name: "two",
  run: async (_args, { elicit }) => {
    const question = { message: "Well?", requestedSchema: z.object({}) };
    await Promise.all([elicit("first", question), elicit("second", question)]);
    return { content: [{ type: "text", text: "both" }] };
  },
});

it("asks no more of them", async () => {
  await using stores = twoStores({ safetyPollMs: 600_000 });
  const { store, waits } = counted(stores.a);
  const tasks = new TasksSupport(store, { tools: [two], principal: () => "alice" });
  const mcp = new McpServer({ name: "test", version: "1.0.0" });
  tasks.attach(mcp);
  const [here, there] = InMemoryTransport.createLinkedPair();
  const slow = gate();
  const send = there.send.bind(there);
  let questions = 0;
  there.send = async (message, options) => {
    await send(message, options);
    if (!("method" in message) || message.method !== "elicitation/create") return;
    questions += 1;
    // The first is written; that it was comes late.
    if (questions === 1) await slow.passed;
  };
  await mcp.connect(there);
  const answers = new Map<string, () => void>();
  await using alice = await connect(here, {
    answer: async (_message, id) => {
      await new Promise<void>((resolve) => {
        answers.set(id, resolve);
      });
      return { action: "accept", content: {} };
    },
  });
  const taskId = await start(alice, "two");
  await asked(stores.a, taskId);
  const waiting = [result(alice, taskId)];
  await pollUntil(() => questions === 1, { what: "the first question" });
  waiting.push(result(alice, taskId));
  await pollUntil(() => questions === 3, { what: "both questions of the newer wait" });
  slow.open();
  await pollUntil(() => waits() === 3, { what: "both to wait, besides who follows the task" });
  expect(questions).toBe(3);
  for (const answer of answers.values()) answer();
  for (const wait of waiting) expect(await wait).toMatchObject({ content: [{ text: "both" }] });
});
