import { setImmediate as turn } from "node:timers/promises";
import { type JsonObject, Resolver } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { defineTaskTool, ToolError, type ToolContext } from "../src/index.ts";
import { SseReader } from "../src/v2/sse-frames.ts";
import { asObject, at } from "./listen-wire.ts";
import { type Run, text, TOOL, toolOf } from "./task-tools.ts";
import { twoStores } from "./two-stores.ts";
import { callOf, testServer } from "./v2-server.ts";

interface Heard {
  /** In the order they came. */
  readonly messages: readonly JsonObject[];
  readonly progress: readonly JsonObject[];
}

/** All that a client without tasks hears of one call. @param ready it reads nothing before */
async function call(run: Run, ready?: Promise<void>): Promise<Heard> {
  await using stores = twoStores();
  const { handler } = testServer(stores.a, { tools: [toolOf(run)] });
  const fetch: typeof handler.fetch = async (request, options) => {
    const response = await handler.fetch(request, options);
    await ready;
    return response;
  };
  const params = { name: TOOL, _meta: { progressToken: "p" } };
  const { text: body } = await callOf({ ...handler, fetch }, "tools/call", params, { capabilities: {} });
  const messages = body
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => asObject(JSON.parse(line.slice("data: ".length))));
  const notes = messages.filter(({ method }) => method === "notifications/progress");
  return { messages, progress: notes.map((note) => at(note, "params")) };
}

describe("progress of a call without a task", () => {
  it("is notifications, which grow", async () => {
    await using stores = twoStores();
    const heard: JsonObject[] = [];
    const hears = async (count: number): Promise<void> =>
      void (await pollUntil(() => heard.length === count, { what: `${count} notifications` }));
    const tool = defineTaskTool({
      name: TOOL,
      run: async (_args, { updateStatus, reportProgress }) => {
        await updateStatus("starting");
        await hears(1);
        await updateStatus("reading");
        await hears(2);
        await reportProgress({ progress: 2, message: "not shown: no more than there were statuses" });
        await reportProgress({ progress: 5, total: 10, message: "half" });
        await hears(3);
        await reportProgress({ progress: 3, total: 10 });
        await updateStatus("not shown: it says no amount");
        await reportProgress({ progress: 10, total: 10 });
        await hears(4);
        return text("done");
      },
    });
    const { handler } = testServer(stores.a, { tools: [tool] });
    const fetch: typeof handler.fetch = async (request, options) => {
      const response = await handler.fetch(request, options);
      const [near, far] = response.body?.tee() ?? [];
      if (near !== undefined) void listen(new SseReader(near), heard);
      return new Response(far, response);
    };
    const params = { name: TOOL, _meta: { progressToken: "p" } };
    const { result } = await callOf({ ...handler, fetch }, "tools/call", params, { capabilities: {} });
    expect(result).toMatchObject(text("done"));
    expect(heard).toEqual([
      { progressToken: "p", progress: 1, message: "starting" },
      { progressToken: "p", progress: 2, message: "reading" },
      { progressToken: "p", progress: 5, total: 10, message: "half" },
      { progressToken: "p", progress: 10, total: 10 },
    ]);
  });

  it("is about four notifications a second, the latest and the last among them, for a client that does not read", async () => {
    const over = new Resolver<void>();
    const startedMs = performance.now();
    const { progress, messages } = await call(async ({ reportProgress }) => {
      for (let step = 1; step <= 20_000; step += 1) {
        void reportProgress({ progress: step, total: 20_000, message: "y".repeat(1_000) });
        if (step % 100 === 0) await turn();
      }
      over.resolve();
      return text("done");
    }, over.wait());
    const elapsedMs = performance.now() - startedMs;
    expect(progress.length).toBeLessThanOrEqual(2 + elapsedMs / 250);
    expect(progress.at(-1)).toMatchObject({ progress: 20_000 });
    expect(messages.at(-1)).toMatchObject({ result: text("done") });
  });

  it("costs the tool no time", async () => {
    const startedMs = performance.now();
    const { progress } = await call(async ({ reportProgress }) => {
      for (let step = 1; step <= 1_000; step += 1) await reportProgress({ progress: step });
      return text("done");
    });
    // 1,000 notifications, one after another, would take more than four minutes.
    expect(performance.now() - startedMs).toBeLessThan(50_000);
    expect(progress.at(-1)).toMatchObject({ progress: 1_000 });
  });

  it.each<[string, Run, object]>([
    ["a result", () => text("done"), { result: text("done") }],
    [
      "an error",
      () => {
        throw new ToolError(-32_050, "no quota");
      },
      { error: { code: -32_050 } },
    ],
  ])("that was reported last leaves before %s, and none after it", async (_name, end, answer) => {
    let context: ToolContext<JsonObject | undefined> | undefined;
    const { messages } = await call((given) => {
      context = given;
      void given.reportProgress({ progress: 1 });
      void given.updateStatus("not shown: it says no amount");
      void given.reportProgress({ progress: 2, message: "last" });
      return end(given);
    });
    expect(messages).toMatchObject([{ params: { progress: 2, message: "last" } }, answer]);
    await context?.reportProgress({ progress: 3 });
  });
});

async function listen(reader: SseReader, heard: JsonObject[]): Promise<void> {
  for (let data = await reader.next(); data !== undefined; data = await reader.next()) {
    const message = asObject(JSON.parse(data));
    if (message["method"] === "notifications/progress") heard.push(at(message, "params"));
  }
}
