/** A task that a tool of SDK 1.x says needs input, as clients of 2026-07-28 see it: nobody can answer that. */
import { describe, expect, it } from "vitest";
import { createSdkTaskStore, TasksSupport } from "../../src/v1/index.ts";
import { read, twoStores } from "../two-stores.ts";
import { subject, testServer } from "../v2-server.ts";
import { serveHttp } from "./http-server.ts";
import { connectHttp } from "./test-client.ts";

const CALL = { method: "tools/call", params: { name: "theirs" } };
const auth = { auth: subject("alice") };
const ACCEPTED = { action: "accept", content: {} };

describe("a task whose tool only said that it needs input", () => {
  it("shows as working in 2026-07-28, and its status is not the client's to answer", async () => {
    await using stores = twoStores();
    const dispatched: string[] = [];
    const server = testServer(stores.a, { tools: [], dispatch: ({ taskId }) => void dispatched.push(taskId) });
    const sdk = createSdkTaskStore(stores.a, { principal: "alice" });
    const { taskId } = await sdk.createTask({}, 1, CALL);
    await sdk.updateTaskStatus(taskId, "input_required");
    const { result } = await server.call("tasks/get", { taskId }, auth);
    expect(result).toMatchObject({ taskId, status: "working" });
    expect(result).not.toHaveProperty("inputRequests");

    const before = await read(stores.b, taskId);
    const [key = ""] = Object.keys(before.inputs);
    const update = { taskId, inputResponses: { [key]: ACCEPTED } };
    expect((await server.call("tasks/update", update, auth)).result).toMatchObject({ resultType: "complete" });
    expect(await read(stores.b, taskId)).toEqual(before);
    expect(await sdk.getTask(taskId)).toMatchObject({ status: "input_required" });
    expect(dispatched).toEqual([]);
  });

  it("takes no answer to it from a client of 2025-11-25 either", async () => {
    await using stores = twoStores();
    const tasks = new TasksSupport(stores.a, { tools: [] });
    await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
    await using alice = await connectHttp(server.url, { user: "alice" });
    const sdk = createSdkTaskStore(stores.a, { principal: "alice" });
    const { taskId } = await sdk.createTask({}, 1, CALL);
    await sdk.updateTaskStatus(taskId, "input_required");
    const [key = ""] = Object.keys((await read(stores.b, taskId)).inputs);
    const id = ["task-input", taskId, encodeURIComponent(key), "x"].join("/");
    await alice.transport.send({ jsonrpc: "2.0", id, result: ACCEPTED });
    await alice.client.ping();
    expect(await read(stores.b, taskId)).toMatchObject({ status: "input_required" });
  });

  it("shows what is asked beside it, and nothing else", async () => {
    await using stores = twoStores();
    const server = testServer(stores.a, { tools: [] });
    const sdk = createSdkTaskStore(stores.a, { principal: "alice" });
    const { taskId } = await sdk.createTask({}, 1, CALL);
    await sdk.updateTaskStatus(taskId, "input_required");
    const question = { method: "elicitation/create", params: { mode: "form", message: "?" } };
    await stores.a.requestInputs(taskId, { name: question });
    const { result } = await server.call("tasks/get", { taskId }, auth);
    expect(result).toMatchObject({ taskId, status: "input_required" });
    expect(result?.["inputRequests"]).toEqual({ name: question });
  });
});
