import type { JsonObject } from "@mcp-task-store/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTaskTool } from "../src/index.ts";
import { taskFor, text } from "./task-tools.ts";
import { read, type TwoStores, twoStores } from "./two-stores.ts";
import { ABLE, ASKABLE, EXTENSION, taskIdOf, testServer, type TestServer } from "./v2-server.ts";

const REQUIRED = { requiredCapabilities: { extensions: { [EXTENSION]: {} } } };

function serverOn(stores: TwoStores): TestServer {
  const inputSchema = z.object({ n: z.number() });
  return testServer(stores.a, {
    dispatch: () => undefined,
    tools: [
      defineTaskTool({ name: "required", taskSupport: "required", inputSchema, run: () => text("done") }),
      defineTaskTool({ name: "optional", inputSchema, run: ({ n }) => text(`n is ${n}`) }),
    ],
    setUp: (mcp) => {
      mcp.registerTool("plain", {}, () => ({ content: [{ type: "text", text: "plain" }] }));
      mcp.registerTool("off", {}, () => ({ content: [] })).disable();
    },
  });
}

/** What clients may say instead of declaring the extension. */
const silent: readonly (readonly [string, JsonObject])[] = [
  ["nothing", {}],
  ["the older capability", { tasks: { requests: { tools: { call: {} } } } }],
  ["another extension", { extensions: { "io.modelcontextprotocol/other": {} } }],
  ["no extensions", { extensions: {} }],
];

describe("a client that declares", () => {
  it.each(silent)(
    "%s is refused the tool that needs a task, before its arguments are read",
    async (_name, capabilities) => {
      await using stores = twoStores();
      const server = serverOn(stores);
      for (const args of [{ n: 1 }, { n: "x" }, {}]) {
        const answer = await server.call("tools/call", { name: "required", arguments: args }, { capabilities });
        expect(answer).toMatchObject({ http: 400, error: { code: -32_021, data: REQUIRED } });
      }
    },
  );

  it.each(silent)("%s gets the other tool's result", async (_name, capabilities) => {
    await using stores = twoStores();
    const answer = await serverOn(stores).call(
      "tools/call",
      { name: "optional", arguments: { n: 1 } },
      { capabilities },
    );
    expect(answer.result).toMatchObject({ ...text("n is 1"), resultType: "complete" });
    expect(answer.result).not.toHaveProperty("taskId");
  });

  it.each(silent)("%s reaches no task, not even to learn whether there is one", async (_name, capabilities) => {
    await using stores = twoStores();
    const server = serverOn(stores);
    const { taskId } = await taskFor(stores.a);
    const before = await read(stores.b, taskId);
    for (const method of ["tasks/get", "tasks/update", "tasks/cancel"]) {
      for (const id of [taskId, "unknown"]) {
        const answer = await server.call(method, { taskId: id, inputResponses: {} }, { capabilities });
        expect(answer, `${method} ${id}`).toMatchObject({ http: 400, error: { code: -32_021, data: REQUIRED } });
      }
      // Before the parameters.
      expect((await server.call(method, {}, { capabilities, headers: { "mcp-name": "" } })).error?.code).not.toBe(
        -32_603,
      );
    }
    expect(await read(stores.b, taskId)).toEqual(before);
  });

  it("counts for this very request only", async () => {
    await using stores = twoStores();
    const server = serverOn(stores);
    const params = { name: "optional", arguments: { n: 1 } };
    const taskId = taskIdOf(await server.call("tools/call", params));
    expect((await server.call("tools/call", params, { capabilities: {} })).result).toMatchObject(text("n is 1"));
    expect((await server.call("tasks/get", { taskId }, { capabilities: {} })).error?.code).toBe(-32_021);
    expect((await server.call("tasks/get", { taskId })).result).toMatchObject({ taskId });
  });

  it.each([[{}], [{ later: true }]])("the extension with settings %o has declared it", async (settings) => {
    await using stores = twoStores();
    const capabilities = { extensions: { [EXTENSION]: settings } };
    const answer = await serverOn(stores).call(
      "tools/call",
      { name: "required", arguments: { n: 1 } },
      { capabilities },
    );
    expect(answer.result?.["resultType"]).toBe("task");
  });
});

describe("what the server says of itself", () => {
  it("has the extension, and no tasks capability of old (X-62)", async () => {
    await using stores = twoStores();
    const { result } = await serverOn(stores).call("server/discover");
    expect(result?.["capabilities"]).toMatchObject({ extensions: { [EXTENSION]: {} }, tools: {} });
    expect(result?.["capabilities"]).not.toHaveProperty("tasks");
  });

  it("lists task tools like any other, without a word on tasks", async () => {
    await using stores = twoStores();
    const { result } = await serverOn(stores).call("tools/list");
    const { tools } = z.object({ tools: z.array(z.record(z.string(), z.unknown())) }).parse(result);
    expect(tools.map((tool) => tool["name"])).toEqual(["required", "optional", "plain"]);
    expect(tools.every((tool) => !("execution" in tool) && !("taskSupport" in tool))).toBe(true);
    expect(tools[0]?.["inputSchema"]).toMatchObject({ type: "object", properties: { n: { type: "number" } } });
  });
});

describe("other tools and methods", () => {
  it.each([[ABLE], [ASKABLE], [{}]])("leave a plain tool alone: %o", async (capabilities) => {
    await using stores = twoStores();
    const answer = await serverOn(stores).call("tools/call", { name: "plain", task: { ttl: 1 } }, { capabilities });
    expect(answer.result).toMatchObject({ ...text("plain"), resultType: "complete" });
  });

  it.each(["off", "unknown", "__proto__", "toString"])("refuse the tool %s as the SDK does", async (name) => {
    await using stores = twoStores();
    expect((await serverOn(stores).call("tools/call", { name })).error?.code).toBe(-32_602);
  });

  it("refuse a task tool that is switched off, and make no task", async () => {
    await using stores = twoStores();
    let created = 0;
    const store = {
      ...stores.a,
      scoped: (principal: string | null) => {
        created += 1;
        return stores.a.scoped(principal);
      },
    };
    const tool = defineTaskTool({ name: "work", run: () => text("done") });
    const server = testServer(store, {
      tools: [tool],
      setUp: (mcp) => {
        const registered: unknown = Reflect.get(mcp, "_registeredTools");
        z.object({ work: z.custom<{ disable(): void }>() }).parse(registered).work.disable();
      },
    });
    expect((await server.call("tools/call", { name: "work" })).error).toMatchObject({
      code: -32_602,
      message: expect.stringContaining("disabled"),
    });
    expect(created).toBe(0);
  });

  it("refuse arguments that do not fit, as an error for the model, before there is a task", async () => {
    await using stores = twoStores();
    for (const name of ["required", "optional"]) {
      const answer = await serverOn(stores).call("tools/call", { name, arguments: { n: "x" } });
      expect(answer.result).toMatchObject({ isError: true, resultType: "complete" });
    }
  });

  it.each(["tasks/result", "tasks/list"])("do not know %s (X-60)", async (method) => {
    await using stores = twoStores();
    expect(await serverOn(stores).call(method, { taskId: "t" })).toMatchObject({ http: 404, error: { code: -32_601 } });
  });
});

describe("requests about tasks that are none", () => {
  it.each(["tasks/get", "tasks/update", "tasks/cancel"])("are -32602: %s", async (method) => {
    await using stores = twoStores();
    const server = serverOn(stores);
    for (const taskId of ["unknown", "x".repeat(10_000), "a\u0001b", "../..", " "]) {
      const headers = { "mcp-name": `=?base64?${btoa(taskId)}?=` };
      const answer = await server.call(method, { taskId, inputResponses: {} }, { headers });
      expect(answer.error, taskId.slice(0, 20)).toMatchObject({ code: -32_602 });
      expect(answer.text.length).toBeLessThan(1_000);
    }
    const unknown = await server.call(method, { taskId: "unknown", inputResponses: {} });
    expect(unknown.error?.message).toBe("Task not found");
  });

  it.each(["tasks/get", "tasks/update", "tasks/cancel"])("need headers that fit (X-49): %s", async (method) => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const server = serverOn(stores);
    for (const headers of [{ "mcp-name": "other" }, { "mcp-method": "tools/call" }, { "mcp-name": "" }]) {
      const answer = await server.call(method, { taskId, inputResponses: {} }, { headers });
      expect(answer, JSON.stringify(headers)).toMatchObject({ http: 400, error: { code: -32_020 } });
    }
  });

  it("are refused without a taskId, or with one that is no text", async () => {
    await using stores = twoStores();
    const server = serverOn(stores);
    for (const params of [{}, { taskId: 7 }, { taskId: null }, { taskId: ["t"] }]) {
      const { error } = await server.call("tasks/get", params);
      expect([-32_602, -32_020], JSON.stringify(params)).toContain(error?.code);
    }
  });

  it("are refused when tasks/update has no inputResponses", async () => {
    await using stores = twoStores();
    const { taskId } = await taskFor(stores.a);
    const { error } = await serverOn(stores).call("tasks/update", { taskId });
    expect(error).toMatchObject({ code: -32_602, message: expect.stringContaining("inputResponses") });
  });
});
