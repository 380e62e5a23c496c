import type { ScopedTaskStore, TaskStore } from "@mcp-task-store/core";
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { pollUntil } from "@mcp-task-store/services";
import { isJSONRPCRequest, type JSONRPCMessage, type Transport } from "@modelcontextprotocol/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TaskSubscriptions } from "../src/v2/task-subscriptions.ts";
import { subscriptionsOn } from "./listen-server.ts";
import { EXTENSION, listenRequest, type ListenParams, SUBSCRIPTION_ID } from "./listen-wire.ts";

/** The client's end: what is sent to it is kept. */
class ClientEnd implements Transport {
  readonly sent: JSONRPCMessage[] = [];
  onmessage: Transport["onmessage"];
  onclose: Transport["onclose"];
  onerror: Transport["onerror"];
  start = async (): Promise<void> => undefined;
  close = async (): Promise<void> => this.onclose?.();
  async send(message: JSONRPCMessage): Promise<void> {
    this.sent.push(message);
  }
}

function changed(id: number): JSONRPCMessage {
  return { jsonrpc: "2.0", method: "notifications/tools/list_changed", params: { _meta: { [SUBSCRIPTION_ID]: id } } };
}

function acknowledgement(id: number, notifications = {}): JSONRPCMessage {
  const params = { notifications, _meta: { [SUBSCRIPTION_ID]: id } };
  return { jsonrpc: "2.0", method: "notifications/subscriptions/acknowledged", params };
}

/** An SDK that is late: here it is the test that says when it answers, and when it has heard of something. */
describe("between a client and an SDK that is late, the transport", () => {
  let store: TaskStore;
  beforeEach(() => {
    store = createMemoryTaskStore();
  });
  afterEach(async () => await store.close());

  interface Ends {
    readonly client: ClientEnd;
    readonly transport: Transport;
    readonly subscriptions: TaskSubscriptions;
    /** What reached the SDK. */
    readonly heard: readonly JSONRPCMessage[];
    readonly listen: (params: ListenParams) => void;
  }

  async function ends(view: ScopedTaskStore = store.scoped(null)): Promise<Ends> {
    const client = new ClientEnd();
    const subscriptions = subscriptionsOn({ scoped: () => view }, { principal: () => null });
    const transport = subscriptions.wrapTransport(client);
    const heard: JSONRPCMessage[] = [];
    Object.assign(transport, { onmessage: (message: JSONRPCMessage) => heard.push(message) });
    await transport.start();
    const listen = (params: ListenParams): void => {
      const request = listenRequest(params);
      if (isJSONRPCRequest(request)) client.onmessage?.(request);
    };
    return { client, transport, heard, listen, subscriptions };
  }

  it("tells it that a subscription is over, and lets nothing of it pass any more", async () => {
    const { client, transport, heard, listen } = await ends();
    listen({ id: 1, declares: false, notifications: { taskIds: ["a"], toolsListChanged: true } });
    expect(heard).toMatchObject([
      { method: "subscriptions/listen", params: { notifications: { toolsListChanged: true } } },
    ]);
    await transport.send(acknowledgement(1, { toolsListChanged: true }));
    await pollUntil(() => client.sent.length > 0, { what: "the refusal" });
    expect(client.sent).toMatchObject([
      { id: 1, error: { code: -32021, data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } } } },
    ]);
    expect(heard.at(-1)).toMatchObject({ method: "notifications/cancelled", params: { requestId: 1 } });
    await transport.send(changed(1));
    await transport.send({ jsonrpc: "2.0", id: 1, result: {} });
    expect(client.sent).toHaveLength(1);
    // Another one under the same id; what the SDK still says of the first one is not of it.
    listen({ id: 1, notifications: { taskIds: [] } });
    await transport.send(changed(1));
    await transport.send(acknowledgement(1));
    await pollUntil(() => client.sent.length === 3, { what: "the second one" });
    expect(client.sent.slice(1)).toMatchObject([
      { method: "notifications/subscriptions/acknowledged" },
      { id: 1, result: { resultType: "complete" } },
    ]);
    // What is not about a subscription with tasks passes.
    await transport.send(changed(2));
    expect(client.sent).toHaveLength(4);
  });

  it.each(["cancelled by the client", "over for the SDK", "replaced", "closed"])(
    "one that is %s before it was acknowledged says nothing more",
    async (how) => {
      const view = store.scoped(null);
      let look: (() => void) | undefined;
      const slow: ScopedTaskStore = {
        ...view,
        async waitForUpdate(taskId, options) {
          await new Promise<void>((resolve) => {
            look = resolve;
          });
          // Too far to be given up.
          return await view.waitForUpdate(taskId, { since: options.since });
        },
      };
      const { client, transport, listen, subscriptions } = await ends(slow);
      const { taskId } = await store.createTask();
      listen({ id: 1, notifications: { taskIds: [taskId], toolsListChanged: true } });
      await transport.send(acknowledgement(1, { toolsListChanged: true }));
      const held = transport.send(changed(1));
      await pollUntil(() => look, { what: "the look" });
      const result: JSONRPCMessage = { jsonrpc: "2.0", id: 1, result: {} };
      if (how === "cancelled by the client") {
        client.onmessage?.({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
      } else if (how === "replaced") {
        listen({ id: 1, notifications: { taskIds: [taskId] } });
      } else if (how === "closed") {
        await transport.close();
      } else {
        await transport.send(result);
      }
      look?.();
      await held;
      await pollUntil(() => subscriptions.size === 0, { what: "the slot" });
      expect(client.sent).toEqual(how === "over for the SDK" ? [result] : []);
    },
  );
});
