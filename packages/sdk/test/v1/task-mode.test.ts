import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ResultSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import {
  canUseTool,
  type TaskMode,
  taskModeError,
  taskRequestContext,
  validateForTool,
  validateTaskMode,
} from "../../src/v1/index.ts";
import { connect, rpcErrorOf } from "./test-client.ts";

const REQUIRES = "This tool requires task-augmented invocation";
const FORBIDS = "This tool does not support task-augmented invocation";

describe("the mode of a tool", () => {
  it.each<[TaskMode | undefined, boolean, string | undefined]>([
    [undefined, false, undefined],
    [undefined, true, FORBIDS],
    ["forbidden", false, undefined],
    ["forbidden", true, FORBIDS],
    ["optional", false, undefined],
    ["optional", true, undefined],
    ["required", false, REQUIRES],
    ["required", true, undefined],
  ])("%s, of a call that asks for a task: %s", (taskSupport, isTask, message) => {
    const error = taskModeError(taskSupport, { isTask });
    expect(error && { code: error.code, message: error.message }).toEqual(message && { code: -32_601, message });
    const tool = { ...(taskSupport !== undefined && { execution: { taskSupport } }) };
    for (const validate of [() => validateTaskMode(taskSupport, { isTask }), () => validateForTool(tool, { isTask })]) {
      if (message === undefined) expect(validate).not.toThrow();
      else expect(validate).toThrow(McpError);
    }
  });

  it.each<[TaskMode | undefined, boolean, boolean]>([
    [undefined, false, true],
    ["forbidden", false, true],
    ["optional", false, true],
    ["required", false, false],
    ["required", true, true],
  ])("%s, for a client with tasks or without (%s), can be used: %s", (mode, clientSupportsTasks, can) => {
    expect(canUseTool(mode, { clientSupportsTasks })).toBe(can);
  });
});

describe("what a request says about tasks", () => {
  it.each([
    [{}, undefined, { isTask: false, clientSupportsTasks: false }],
    [{ params: {} }, {}, { isTask: false, clientSupportsTasks: false }],
    [{ params: { task: {} } }, { tasks: {} }, { isTask: true, clientSupportsTasks: true }],
    [{ params: { task: { ttl: 1 } } }, { elicitation: {} }, { isTask: true, clientSupportsTasks: false }],
  ])("%j, of a client that declares %j", (request, capabilities, context) => {
    expect(taskRequestContext(request, capabilities)).toEqual(context);
  });

  it("serves a server that answers tools/call itself", async () => {
    const tool = {
      name: "slow",
      inputSchema: { type: "object" as const },
      execution: { taskSupport: "required" as const },
    };
    const server = new Server({ name: "own", version: "1.0.0" }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [tool] }));
    server.setRequestHandler(CallToolRequestSchema, (request) => {
      validateForTool(tool, taskRequestContext(request, server.getClientCapabilities()));
      return { content: [] };
    });
    const [here, there] = InMemoryTransport.createLinkedPair();
    await server.connect(there);
    await using connection = await connect(here);
    const call = { method: "tools/call", params: { name: "slow" } };
    expect(await rpcErrorOf(connection.client.request(call, ResultSchema))).toEqual({
      code: -32_601,
      message: REQUIRES,
    });
  });
});
