/** What tools and clients of either SDK can rely on alike: answers judged in time, few notifications, faults reported. */
import type { JsonObject } from "@mcp-task-store/core";
import { type ElicitResult, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool, type TaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { text } from "../task-tools.ts";
import { twoStores } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf, type TestClient } from "./test-client.ts";
import { start } from "./task-calls.ts";

const NAME = "work";

async function serve(tasks: TasksSupport): Promise<HttpServer> {
  return await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
}

function requestsOf({ received }: TestClient): readonly JsonObject[] {
  return received.flatMap((message) =>
    "method" in message && message.method === "elicitation/create" ? [message.params ?? {}] : [],
  );
}

const accept = (at: string): ElicitResult => ({ action: "accept", content: { at } });
const RIGHT = "2026-01-01T00:00:00Z";
/** The form allows it, the whole schema does not. */
const WRONG = "2026-01-01T00:00:00+02:00";

const asking: TaskTool = defineTaskTool({
  name: NAME,
  run: async (_args, { elicit }) => {
    const requestedSchema = z.strictObject({ at: z.iso.datetime() });
    const answer = await elicit("at", { message: "When?", requestedSchema }, { whileWaiting: "suspend" });
    return text(answer.action === "accept" ? answer.content.at : answer.action);
  },
});

describe("an answer that the form allows, and the whole schema does not", () => {
  it("is asked for again while the client can mend it, and never shown what it is judged by", async () => {
    await using stores = twoStores();
    await using server = await serve(new TasksSupport(stores.a, { tools: [asking] }));
    const answers = [WRONG, RIGHT];
    await using alice = await connectHttp(server.url, {
      user: "alice",
      answer: () => accept(answers.shift() ?? RIGHT),
    });
    const taskId = await start(alice, NAME);
    const result = await alice.client.request({ method: "tasks/result", params: { taskId } }, ResultSchema);
    expect(result).toMatchObject(text(RIGHT));
    const properties = { at: { type: "string", format: "date-time" } };
    const shown = {
      mode: "form",
      message: "When?",
      requestedSchema: { type: "object", properties, required: ["at"] },
      _meta: expect.any(Object),
    };
    expect(requestsOf(alice)).toEqual([shown, shown]);
  });

  it("is told to the tool when it comes again and again", async () => {
    await using stores = twoStores();
    await using server = await serve(new TasksSupport(stores.a, { tools: [asking] }));
    await using alice = await connectHttp(server.url, { user: "alice", answer: () => accept(WRONG) });
    const taskId = await start(alice, NAME);
    const failed = rpcErrorOf(alice.client.request({ method: "tasks/result", params: { taskId } }, ResultSchema));
    expect(await failed).toMatchObject({ code: -32_602, message: expect.stringContaining('"at"') });
    expect(requestsOf(alice)).toHaveLength(3);
  });
});

describe("progress of a call without a task", () => {
  it("is few notifications, and the last leaves before the result", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({
      name: NAME,
      run: async (_args, { reportProgress, updateStatus }) => {
        for (let step = 1; step <= 1_000; step += 1) await reportProgress({ progress: step, total: 1_000 });
        await updateStatus("not shown: it says no amount");
        return text("done");
      },
    });
    await using server = await serve(new TasksSupport(stores.a, { tools: [tool] }));
    await using alice = await connectHttp(server.url, { user: "alice" });
    const startedMs = performance.now();
    const params = { name: NAME, _meta: { progressToken: "p" } };
    expect(await alice.client.request({ method: "tools/call", params }, ResultSchema)).toMatchObject(text("done"));
    const elapsedMs = performance.now() - startedMs;
    const [last, answer] = alice.received.slice(-2);
    expect(last).toMatchObject({ params: { progressToken: "p", progress: 1_000, total: 1_000 } });
    expect(answer).toMatchObject({ result: text("done") });
    // 1,000 notifications, one after another, would take more than four minutes.
    expect(elapsedMs).toBeLessThan(50_000);
    expect(alice.received.length).toBeLessThanOrEqual(3 + elapsedMs / 250);
  });
});

it.each([{ task: {} }, {}])(
  "a prepare that returns no JSON is a fault of the server's, told to onError: %j",
  async (wish) => {
    await using stores = twoStores();
    const errors: unknown[] = [];
    const tool = defineTaskTool({ name: NAME, prepare: () => ({ n: 1n }), run: () => text("done") });
    await using server = await serve(
      new TasksSupport(stores.a, { tools: [tool], onError: (error) => void errors.push(error) }),
    );
    await using alice = await connectHttp(server.url, { user: "alice" });
    const params = { name: NAME, ...wish };
    const error = await rpcErrorOf(alice.client.request({ method: "tools/call", params }, ResultSchema));
    expect(error).toEqual({ code: -32_603, message: "Internal error" });
    expect(errors).toEqual([new TypeError(`prepare of tool ${NAME} returned no JSON object.`)]);
  },
);
