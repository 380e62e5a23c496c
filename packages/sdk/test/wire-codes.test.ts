/** What clients get of each error that a store has: as docs/errors.md says, of either SDK. */
import { readFileSync } from "node:fs";
import {
  type JsonObject,
  type ScopedTaskStore,
  type TaskStore,
  TaskStoreError,
  type TaskStoreErrorCode,
} from "@mcp-task-store/core";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { defineTaskTool } from "../src/index.ts";
import { createSdkTaskStore, TasksSupport } from "../src/v1/index.ts";
import { ended, twoStores, withFaults } from "./two-stores.ts";
import { serveHttp } from "./v1/http-server.ts";
import { connectHttp, type RpcError, rpcErrorOf } from "./v1/test-client.ts";
import { start } from "./v1/task-calls.ts";
import { echo } from "./v1/test-tools.ts";
import { subject, taskIdOf, testServer } from "./v2-server.ts";

interface Row {
  readonly code: TaskStoreErrorCode;
  readonly wire: number;
  readonly retryable: boolean;
}

/** Typed so that none is missing. */
const CODES: Readonly<Record<TaskStoreErrorCode, true>> = {
  TASK_NOT_FOUND: true,
  TASK_TERMINAL: true,
  ALREADY_EXISTS: true,
  LEASE_LOST: true,
  LEASE_HELD: true,
  INPUT_KEY_REUSED: true,
  INVALID_CURSOR: true,
  INVALID_ARGUMENT: true,
  PAYLOAD_TOO_LARGE: true,
  QUEUE_FULL: true,
  QUOTA_EXCEEDED: true,
  STORE_UNAVAILABLE: true,
  WRITE_OUTCOME_UNKNOWN: true,
  SCHEMA_NOT_READY: true,
  NOT_SUPPORTED: true,
  CLOSED: true,
  ABORTED: true,
};

/** The table of the page: code, when, what clients get, … */
const ROWS: readonly Row[] = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => {
    const [, code = "", , wire = ""] = line.split("|").map((cell) => cell.trim().replaceAll("`", ""));
    if (!isCode(code)) throw new Error(`${code} is no code`);
    return { code, wire: Number(wire), retryable: new TaskStoreError(code, "").retryable };
  });

function isCode(text: string): text is TaskStoreErrorCode {
  return Object.hasOwn(CODES, text);
}

const TEXT = "what the store says";
const CALL = { name: "echo", arguments: { text: "x" } };
/** Codes of which clients read the text, and nothing else: what they got wrong, or cannot have. */
const TOLD: readonly number[] = [-32_602, -32_600];

function expected({ code, wire, retryable }: Row): RpcError {
  if (code === "TASK_NOT_FOUND") return { code: wire, message: "Task not found" };
  if (TOLD.includes(wire)) return { code: wire, message: TEXT, data: { code } };
  return { code: wire, message: "The task store failed", data: { code, retryable } };
}

/** A store whose every method throws. */
function failing(store: TaskStore, code: TaskStoreErrorCode): TaskStore {
  const thrown = async (): Promise<never> => {
    throw new TaskStoreError(code, TEXT);
  };
  const scoped = (principal: string | null): ScopedTaskStore => {
    const view = store.scoped(principal);
    return {
      ...view,
      principal: view.principal,
      createTask: thrown,
      getTask: thrown,
      getOutcome: thrown,
      listTasks: thrown,
      cancelTask: thrown,
      requestCancellation: thrown,
    };
  };
  return withFaults(store, { scoped });
}

it("the page has each code once", () => {
  expect(ROWS.map(({ code }) => code).toSorted()).toEqual(Object.keys(CODES).toSorted());
});

describe.each(ROWS)("$code", (row) => {
  const params: JsonObject = { taskId: "x" };

  it("on SDK 1.x", async () => {
    await using stores = twoStores();
    const tasks = new TasksSupport(failing(stores.a, row.code), { tools: [echo] });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
    await using alice = await connectHttp(server.url, { user: "alice" });
    // A task that is over is not there to be cancelled: its error carries it, which this one does not.
    const methods = [
      "tasks/get",
      "tasks/result",
      "tasks/list",
      ...(row.code === "TASK_TERMINAL" ? [] : ["tasks/cancel"]),
    ];
    for (const method of methods) {
      expect(await rpcErrorOf(alice.client.request({ method, params }, ResultSchema)), method).toEqual(expected(row));
    }
    const call = { method: "tools/call", params: { ...CALL, task: {} } };
    expect(await rpcErrorOf(alice.client.request(call, ResultSchema))).toEqual(expected(row));
  });

  it("on SDK 2.x", async () => {
    await using stores = twoStores();
    const modern = testServer(failing(stores.a, row.code), { tools: [echo] });
    const auth = subject("alice");
    const update = { ...params, inputResponses: {} };
    for (const [method, asked] of [
      ["tasks/get", params],
      ["tasks/cancel", params],
      ["tasks/update", update],
      ["tools/call", CALL],
    ] as const) {
      expect((await modern.call(method, asked, { auth })).error, method).toEqual(expected(row));
    }
  });

  it("thrown by a tool, with a task and without (S-40 X-57)", async () => {
    await using stores = twoStores();
    const tool = defineTaskTool({
      name: "throw",
      run: () => {
        throw new TaskStoreError(row.code, TEXT);
      },
    });
    const tasks = new TasksSupport(stores.a, { tools: [tool] });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
    await using alice = await connectHttp(server.url, { user: "alice" });
    const direct = alice.client.request({ method: "tools/call", params: { name: "throw" } }, ResultSchema);
    expect(await rpcErrorOf(direct)).toEqual(expected(row));
    const taskId = await start(alice, "throw");
    const result = alice.client.request({ method: "tasks/result", params: { taskId } }, ResultSchema);
    expect(await rpcErrorOf(result)).toEqual(expected(row));

    const modern = testServer(stores.b, { tools: [tool] });
    const within = await modern.call("tools/call", { name: "throw" }, { capabilities: {} });
    expect(within.error).toEqual(expected(row));
    const young = taskIdOf(await modern.call("tools/call", { name: "throw" }));
    expect(await ended(stores.a, young)).toMatchObject({ status: "failed" });
    const { result: task } = await modern.call("tasks/get", { taskId: young });
    expect(task).toMatchObject({ status: "failed", error: expected(row), statusMessage: expected(row).message });
  });

  it("with the store alone on SDK 1.x, which lists in its own way", async () => {
    await using stores = twoStores();
    const taskStore = createSdkTaskStore(failing(stores.a, row.code));
    const capabilities = { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };
    await using server = await serveHttp({
      make: () => new McpServer({ name: "test", version: "1.0.0" }, { capabilities, taskStore }),
      prepare: () => undefined,
    });
    await using alice = await connectHttp(server.url);
    for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
      expect(await rpcErrorOf(alice.client.request({ method, params }, ResultSchema)), method).toEqual(expected(row));
    }
    const listed = await rpcErrorOf(alice.client.request({ method: "tasks/list" }, ResultSchema));
    expect(listed).toMatchObject({ code: -32_602, message: expect.stringContaining("Failed to list tasks") });
  });
});
