import type { JsonObject, Task, TaskStore } from "@mcp-task-store/core";
import { type AuthInfo, ProtocolError, ProtocolErrorCode, type Transport } from "@modelcontextprotocol/server";
import { listenOverHttp, type McpFetch } from "./listen-http.ts";
import type { TaskListen } from "./listen-request.ts";
import { ListenTransport } from "./listen-transport.ts";
import type { PrincipalOf } from "./principal.ts";
import { Slots } from "../slots.ts";
import { openTaskSubscription, type TaskSubscription } from "./task-subscription.ts";

export interface TaskSubscriptionsOptions {
  readonly store: Pick<TaskStore, "scoped">;
  readonly principal: PrincipalOf;
  /** Makes of a task, loaded with its outcome, what `tasks/get` says of it. */
  readonly toWire: (task: Task) => JsonObject;
  /** Subscriptions with tasks that may be open at once. */
  readonly maxSubscriptions: number;
  /** The same for one principal. Callers without one share only `maxSubscriptions`. */
  readonly maxSubscriptionsPerPrincipal: number;
  readonly maxTasksPerSubscription: number;
  /** Silence on an HTTP stream after which a comment is sent, ms; 0: none. */
  readonly keepAliveMs: number;
  /** What goes wrong on the server's side of a subscription, and refused subscriptions for want of a slot. */
  readonly onError: (error: unknown) => void;
}

/** What both transports need. */
export interface ListenServices {
  /** See {@link openTaskSubscription}. */
  readonly open: (listen: TaskListen, authInfo: AuthInfo | undefined, signal: AbortSignal) => Promise<TaskSubscription>;
  /** Takes what ends a stream gracefully; returns what forgets it. */
  readonly track: (close: () => void) => () => void;
  readonly keepAliveMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * `subscriptions/listen` with `taskIds`, which the SDK does not know: it acknowledges the tasks of the caller, says what
 * each is now, and then every change, whichever process made it.
 * @see X-43 … X-47
 */
export class TaskSubscriptions {
  readonly #slots: Slots;
  readonly #services: ListenServices;
  readonly #open = new Set<() => void>();
  #closed = false;

  constructor({ maxSubscriptions, maxSubscriptionsPerPrincipal, ...options }: TaskSubscriptionsOptions) {
    this.#slots = new Slots(maxSubscriptions, maxSubscriptionsPerPrincipal);
    const subscription = { ...options, slots: this.#slots, maxTasks: options.maxTasksPerSubscription };
    this.#services = {
      open: async (listen, authInfo, signal) => {
        if (this.#closed) throw new ProtocolError(ProtocolErrorCode.InternalError, "The server is shutting down");
        return await openTaskSubscription(listen, authInfo, signal, subscription);
      },
      track: (close) => this.#track(close),
      keepAliveMs: options.keepAliveMs,
      onError: options.onError,
    };
  }

  /** Subscriptions that hold a slot. */
  get size(): number {
    return this.#slots.open;
  }

  /** `fetch` of `createMcpHandler`, with tasks on its subscriptions. */
  wrapFetch(fetch: McpFetch): McpFetch {
    return listenOverHttp(fetch, this.#services);
  }

  /** A transport for `serveStdio`, with tasks on its subscriptions. */
  wrapTransport(transport: Transport): Transport {
    return new ListenTransport(transport, this.#services);
  }

  /** Ends all subscriptions gracefully: what is unread goes out, then the result. None is granted any more. */
  close(): void {
    this.#closed = true;
    for (const close of this.#open) close();
  }

  #track(close: () => void): () => void {
    // One that was being granted when everything closed.
    if (this.#closed) queueMicrotask(close);
    this.#open.add(close);
    return () => this.#open.delete(close);
  }
}
