/** A client whose stream breaks while it waits for a result, and which comes back for what it missed (Last-Event-ID). */
import type { JsonObject } from "@mcp-task-store/core";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { EventStore } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { type JSONRPCMessage, JSONRPCMessageSchema, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { pollUntil } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { asked, ended, twoStores } from "../two-stores.ts";
import { counted } from "./counted-store.ts";
import { serveHttp } from "./http-server.ts";
import { openStreams } from "./open-streams.ts";
import { answer, question, questions, silent, start } from "./task-calls.ts";
import { connect, type TestClient } from "./test-client.ts";
import { gate } from "./test-tools.ts";

/** Keeps every event, in order. */
function eventsInMemory(): EventStore {
  const events: { readonly streamId: string; readonly message: JSONRPCMessage }[] = [];
  return {
    storeEvent: async (streamId, message) => String(events.push({ streamId, message })),
    getStreamIdForEventId: async (id) => events[Number(id) - 1]?.streamId,
    replayEventsAfter: async (lastId, { send }) => {
      const streamId = events[Number(lastId) - 1]?.streamId ?? "";
      for (const [index, event] of events.entries()) {
        const isPriming = Object.keys(event.message).length === 0;
        if (index >= Number(lastId) && event.streamId === streamId && !isPriming) {
          await send(String(index + 1), event.message);
        }
      }
      return streamId;
    },
  };
}

interface Traveller {
  readonly client: TestClient;
  /** Breaks the stream of tasks/result, and lets none of its successors through. */
  readonly cut: () => void;
  /** Lets the next try to resume it through. */
  readonly heal: () => void;
  /** What was asked for with Last-Event-ID, and got through. */
  readonly resumed: () => number;
}

async function travel(url: URL): Promise<Traveller> {
  let road = gate();
  road.open();
  const cut = new AbortController();
  let resumed = 0;
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers: { authorization: "Bearer alice" } },
    reconnectionOptions: {
      initialReconnectionDelay: 10,
      maxReconnectionDelay: 10,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 10,
    },
    fetch: async (to, init) => {
      const isResumed = new Headers(init?.headers).has("last-event-id");
      if (isResumed) await road.passed;
      const isWait = typeof init?.body === "string" && methodIn(init.body) === "tasks/result";
      const signal = isWait ? AbortSignal.any([cut.signal, ...(init.signal ? [init.signal] : [])]) : init?.signal;
      const response = await fetch(to, { ...init, ...(signal && { signal }) });
      if (isResumed && response.ok) resumed += 1;
      return response;
    },
  });
  return {
    client: await connect(transport, silent),
    cut: () => {
      road = gate();
      cut.abort();
    },
    heal: () => road.open(),
    resumed: () => resumed,
  };
}

/** Waits for a result. Resolves once the client could come back for it. */
async function resumable({ client }: TestClient, taskId: string): Promise<{ readonly result: Promise<JsonObject> }> {
  const primed = gate();
  const params = { method: "tasks/result", params: { taskId } };
  const waiting = client.request(params, ResultSchema, { onresumptiontoken: () => primed.open() });
  waiting.catch(() => undefined);
  await primed.passed;
  return { result: waiting };
}

function methodIn(body: string): string | undefined {
  const message = JSONRPCMessageSchema.parse(JSON.parse(body));
  return "method" in message ? message.method : undefined;
}

describe("a client that comes back to the stream of tasks/result", () => {
  it.each([
    ["was asked before", true],
    ["is asked meanwhile", false],
  ])("and %s gets its question, once, and the result", async (_when, isAskedBefore) => {
    await using stores = twoStores({ safetyPollMs: 600_000 });
    const { store, waits } = counted(stores.a);
    const [ask, go] = [gate(), gate()];
    const tool = defineTaskTool({
      name: "greet",
      run: async (_args, { elicit }) => {
        await ask.passed;
        const asked = await elicit("name", { message: "?", requestedSchema: z.object({ name: z.string() }) });
        await go.passed;
        return { content: [{ type: "text", text: asked.action }] };
      },
    });
    const tasks = new TasksSupport(store, { tools: [tool] });
    await using server = await serveHttp({ eventStore: eventsInMemory(), prepare: (mcp) => tasks.attach(mcp) });
    const { client: alice, cut, heal, resumed } = await travel(server.url);
    await using _closing = alice;
    const taskId = await start(alice);
    const waiting = await resumable(alice, taskId);
    const [transport] = server.sessions.values();
    if (isAskedBefore) {
      ask.open();
      await question(alice);
    }
    const open = openStreams(transport);
    cut();
    await pollUntil(() => openStreams(transport) < open, { what: "the server to notice" });
    ask.open();
    await asked(stores.b, taskId);
    heal();
    await answer(alice, await question(alice));
    await pollUntil(() => resumed() === 1, { what: "the stream to be resumed" });
    go.open();
    expect(await waiting.result).toMatchObject({ content: [{ text: "accept" }] });
    expect(questions(alice)).toHaveLength(1);
    expect(await ended(stores.b, taskId)).toMatchObject({ status: "completed" });
    await pollUntil(() => waits() === 0, { what: "nothing to wait" });
  });

  it("finds the result there, though it came while the client was away", async () => {
    await using stores = twoStores({ safetyPollMs: 600_000 });
    const done = gate();
    const tool = defineTaskTool({
      name: "work",
      run: async () => {
        await done.passed;
        return { content: [{ type: "text", text: "done" }] };
      },
    });
    const tasks = new TasksSupport(stores.a, { tools: [tool] });
    await using server = await serveHttp({ eventStore: eventsInMemory(), prepare: (mcp) => tasks.attach(mcp) });
    const { client: alice, cut, heal } = await travel(server.url);
    await using _closing = alice;
    const taskId = await start(alice, "work");
    const waiting = await resumable(alice, taskId);
    const [transport] = server.sessions.values();
    const open = openStreams(transport);
    cut();
    await pollUntil(() => openStreams(transport) < open, { what: "the server to notice" });
    done.open();
    await ended(stores.b, taskId);
    heal();
    expect(await waiting.result).toMatchObject({ content: [{ text: "done" }] });
  });
});
