/** Many tasks at once on one server: Node 20 takes eleven listeners of one signal for a leak, and says so. */
import { getEventListeners } from "node:events";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { pollUntil } from "@mcp-task-store/services";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { TasksSupport } from "../src/v1/index.ts";
import { twoStores } from "./two-stores.ts";
import { counted } from "./v1/counted-store.ts";
import { result, start } from "./v1/task-calls.ts";
import { connect } from "./v1/test-client.ts";
import { gate, gated } from "./v1/test-tools.ts";

/** As many as Node takes without a warning. */
const MOST = 10;
/** Where more were added, and how many. */
const excesses = new Map<string, number>();

beforeEach(() => {
  const add: unknown = Reflect.get(AbortSignal.prototype, "addEventListener");
  if (typeof add !== "function") throw new TypeError("Signals have no addEventListener.");
  vi.spyOn(AbortSignal.prototype, "addEventListener").mockImplementation(function (this: AbortSignal, ...added) {
    Reflect.apply(add, this, added);
    const listeners = getEventListeners(this, "abort").length;
    if (listeners > MOST) excesses.set(String(new Error("here").stack?.split("\n")[3]), listeners);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  excesses.clear();
});

it("no signal has more than ten listeners", async () => {
  await using stores = twoStores({ safetyPollMs: 600_000 });
  const { store, waits } = counted(stores.a);
  const door = gate();
  const tasks = new TasksSupport(store, { tools: [gated(door.passed)], principal: () => "alice" });
  const mcp = new McpServer({ name: "test", version: "1.0.0" });
  tasks.attach(mcp);
  const [here, there] = InMemoryTransport.createLinkedPair();
  await mcp.connect(there);
  await using alice = await connect(here);
  const ids = await Promise.all(Array.from({ length: 2 * MOST }, async () => await start(alice, "gated")));
  const results = Promise.all(ids.map(async (id) => await result(alice, id)));
  await pollUntil(() => waits() === 4 * MOST, { what: "all to wait, and all to be followed" });
  door.open();
  await results;
  await tasks.close();
  expect([...excesses]).toEqual([]);
});
