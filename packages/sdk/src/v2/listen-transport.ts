import {
  isJSONRPCRequest,
  type JSONRPCMessage,
  type MessageExtraInfo,
  type RequestId,
  SERVER_INFO_META_KEY,
  type Transport,
  type TransportSendOptions,
} from "@modelcontextprotocol/server";
import { objectAt } from "../stored-call.ts";
import { answeredIdOf, requestIdOf, type ServerInfo, subscriptionIdOf } from "./listen-messages.ts";
import { taskListenOf } from "./listen-request.ts";
import { StdioSubscription } from "./stdio-subscription.ts";
import type { ListenServices } from "./task-subscriptions.ts";

const CANCELLED = "notifications/cancelled";
/** Subscriptions that the client knows to be over and the SDK perhaps not yet; more than it has waiting. */
const MAX_OVER = 1_024;

/**
 * A transport between the SDK and the client that adds tasks to `subscriptions/listen`. The SDK sees every message, that
 * one without `taskIds`; all else passes untouched, and everything does on a connection of the older specification.
 * @see X-43 … X-47
 */
export class ListenTransport implements Transport {
  onclose: (() => void) | undefined;
  onerror: ((error: Error) => void) | undefined;
  onmessage: Transport["onmessage"];
  readonly setProtocolVersion: (version: string) => void;
  readonly setSupportedProtocolVersions: (versions: string[]) => void;
  readonly #inner: Transport;
  readonly #services: ListenServices;
  readonly #subscriptions = new Map<RequestId, StdioSubscription>();
  readonly #over = new Set<RequestId>();
  #serverInfo: ServerInfo | undefined;

  constructor(inner: Transport, services: ListenServices) {
    this.#inner = inner;
    this.#services = services;
    this.setProtocolVersion = (version) => inner.setProtocolVersion?.(version);
    this.setSupportedProtocolVersions = (versions) => inner.setSupportedProtocolVersions?.(versions);
  }

  get sessionId(): string | undefined {
    return this.#inner.sessionId;
  }

  async start(): Promise<void> {
    const handlers: Pick<Transport, "onclose" | "onerror" | "onmessage"> = {
      onmessage: (message, extra) => this.#receive(message, extra),
      onerror: (error) => this.onerror?.(error),
      onclose: () => {
        this.#endAll();
        this.onclose?.();
      },
    };
    Object.assign(this.#inner, handlers);
    await this.#inner.start();
  }

  /** From the SDK to the client. */
  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ("result" in message) this.#serverInfo = message.result._meta?.[SERVER_INFO_META_KEY] ?? this.#serverInfo;
    const answered = answeredIdOf(message);
    const id = answered ?? subscriptionIdOf(message);
    if (id !== undefined && this.#over.has(id)) return;
    // Refused, or ended with the connection: nothing of ours comes after it.
    if (answered !== undefined) this.#remove(answered);
    const subscription = id === undefined ? undefined : this.#subscriptions.get(id);
    if (subscription === undefined) await this.#inner.send(message, options);
    else await subscription.pass(message);
  }

  async close(): Promise<void> {
    this.#endAll();
    await this.#inner.close();
  }

  /** From the client to the SDK. */
  #receive(message: JSONRPCMessage, extra: MessageExtraInfo | undefined): void {
    const listen = taskListenOf(message);
    if (listen !== undefined) {
      const withoutTasks = listen.withNotifications(listen.otherNotifications);
      if (isJSONRPCRequest(withoutTasks)) {
        this.#add(
          listen.id,
          new StdioSubscription({
            listen,
            services: this.#services,
            send: async (outgoing) => await this.#inner.send(outgoing),
            serverInfo: () => this.#serverInfo,
            onFinish: () => this.#finished(listen.id),
          }),
        );
        return this.onmessage?.(withoutTasks, extra);
      }
    }
    if ("method" in message && message.method === CANCELLED) {
      const id = requestIdOf(objectAt(message, "params")?.["requestId"]);
      if (id !== undefined) this.#remove(id);
    }
    this.onmessage?.(message, extra);
  }

  #add(id: RequestId, subscription: StdioSubscription): void {
    this.#remove(id);
    this.#over.delete(id);
    this.#subscriptions.set(id, subscription);
  }

  #remove(id: RequestId): void {
    this.#subscriptions.get(id)?.end();
    this.#subscriptions.delete(id);
  }

  /** The client has its answer. The SDK forgets the subscription when it is told that the client cancelled it. */
  #finished(id: RequestId): void {
    this.#subscriptions.delete(id);
    this.#over.add(id);
    const [oldest] = this.#over;
    if (this.#over.size > MAX_OVER && oldest !== undefined) this.#over.delete(oldest);
    this.onmessage?.({ jsonrpc: "2.0", method: CANCELLED, params: { requestId: id } });
  }

  #endAll(): void {
    for (const id of this.#subscriptions.keys()) this.#remove(id);
  }
}
