/** An answer that comes while the server cannot say who answers, or cannot store it: kept for a while, then asked for. */
import { type ScopedTaskStore, type TaskStore, TaskStoreError } from "@mcp-task-store/core";
import { pollUntil } from "@mcp-task-store/services";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TasksSupport } from "../../src/v1/index.ts";
import { observed } from "../../src/observed.ts";
import { read, type TwoStores, twoStores, withFaults } from "../two-stores.ts";
import { type HttpServer, serveHttp } from "./http-server.ts";
import { accepted, question, questions, result, silent, start } from "./task-calls.ts";
import { connectHttp } from "./test-client.ts";
import { greeter } from "./test-tools.ts";

const HELLO_ALICE = { content: [{ type: "text", text: "Hello, Alice!" }] };

/** What is out, while it is; and how often it was tried. */
class Outage {
  isOut = false;
  tries = 0;

  /** @throws TaskStoreError while it lasts */
  readonly pass = (): void => {
    if (!this.isOut) return;
    this.tries += 1;
    throw new TaskStoreError("STORE_UNAVAILABLE", "It is out.");
  };
}

/** A store that neither shows nor changes a task while it is out. */
function storeWith(store: TaskStore, { pass }: Outage): TaskStore {
  const scoped = (principal: string | null): ScopedTaskStore => {
    const view = store.scoped(principal);
    const getTask: ScopedTaskStore["getTask"] = async (...args) => {
      pass();
      return await view.getTask(...args);
    };
    return { ...view, principal: view.principal, getTask };
  };
  return withFaults(store, { scoped });
}

type Serve = (stores: TwoStores, outage: Outage, isStateless?: boolean) => Promise<HttpServer>;

const OUTAGES: readonly { readonly what: string; readonly serve: Serve }[] = [
  {
    what: "who answers",
    serve: async (stores, { pass }, isStateless = false) => {
      const principal = (): string => {
        pass();
        return "alice";
      };
      const tasks = new TasksSupport(stores.a, { tools: [greeter], principal });
      return await serveHttp({ isStateless, prepare: (mcp) => tasks.attach(mcp) });
    },
  },
  {
    what: "the store",
    serve: async (stores, outage, isStateless = false) => {
      const tasks = new TasksSupport(storeWith(stores.a, outage), { tools: [greeter] });
      return await serveHttp({ isStateless, prepare: (mcp) => tasks.attach(mcp) });
    },
  },
];

const { setTimeout: realTimeout } = globalThis;

/** Lets the server's clock run, fast, until something is so. */
async function laterUntil(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error("It never came.");
    await vi.advanceTimersByTimeAsync(500);
    // What comes over a socket takes its time all the same.
    await new Promise<void>((resolve) => void realTimeout(resolve, 5));
  }
}

afterEach(() => void vi.useRealTimers());

describe.each(OUTAGES)("an outage of $what", ({ serve }) => {
  it("is waited through by an answer, which is asked for once", async () => {
    await using stores = twoStores();
    const outage = new Outage();
    await using server = await serve(stores, outage);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const waiting = observed(result(alice, taskId));
    const id = await question(alice, 1);
    outage.isOut = true;
    await alice.transport.send({ jsonrpc: "2.0", id, result: accepted });
    await pollUntil(() => outage.tries > 1, { what: "a second try" });
    outage.isOut = false;
    expect(await waiting).toMatchObject(HELLO_ALICE);
    expect(questions(alice)).toHaveLength(1);
  });

  it.each([
    ["with a session", false],
    ["without sessions", true],
  ])("that outlasts an answer %s has its question asked again, before it is over", async (_how, isStateless) => {
    await using stores = twoStores();
    const outage = new Outage();
    await using server = await serve(stores, outage, isStateless);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const waiting = observed(result(alice, taskId));
    const first = await question(alice, 1);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    outage.isOut = true;
    await alice.transport.send({ jsonrpc: "2.0", id: first, result: accepted });
    await laterUntil(() => questions(alice).length === 2);
    // Neither gave it up at once nor for ever.
    expect(outage.tries).toBeGreaterThan(3);
    expect(outage.tries).toBeLessThan(20);
    vi.useRealTimers();
    outage.isOut = false;
    expect((await read(stores.b, taskId)).status).toBe("input_required");
    await alice.transport.send({ jsonrpc: "2.0", id: await question(alice, 2), result: accepted });
    expect(await waiting).toMatchObject(HELLO_ALICE);
  });

  it("that outlasts an answer whose wait was given up has its question asked by the next wait", async () => {
    await using stores = twoStores();
    const outage = new Outage();
    await using server = await serve(stores, outage);
    await using alice = await connectHttp(server.url, silent);
    const taskId = await start(alice);
    const wait = new AbortController();
    result(alice, taskId, wait.signal).catch(() => undefined);
    const first = await question(alice, 1);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    outage.isOut = true;
    await alice.transport.send({ jsonrpc: "2.0", id: first, result: accepted });
    wait.abort();
    await laterUntil(() => outage.tries >= 8);
    vi.useRealTimers();
    outage.isOut = false;
    await alice.client.ping();
    expect(questions(alice)).toHaveLength(1);
    const waiting = result(alice, taskId);
    await alice.transport.send({ jsonrpc: "2.0", id: await question(alice, 2), result: accepted });
    expect(await waiting).toMatchObject(HELLO_ALICE);
  });
});
