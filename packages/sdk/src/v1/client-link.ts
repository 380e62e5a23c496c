import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage, JSONRPCRequest, MessageExtraInfo, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { isJsonObject } from "../stored-call.ts";
import { carrierOf, endStream, hasRequestStreams, isRequestWaiting, property } from "./open-streams.ts";
import { SessionCallers } from "./session-callers.ts";

/** What is done with messages on their way between client and SDK. */
export interface LinkFilter {
  /** @returns what the SDK gets; undefined: nothing, it was dealt with */
  received(message: JSONRPCMessage, authInfo: AuthInfo | undefined): JSONRPCMessage | undefined;
  /** @returns what the client gets */
  sending(message: JSONRPCMessage): JSONRPCMessage | Promise<JSONRPCMessage>;
  /** The client opens a stream for what answers no request. */
  listening(authInfo: AuthInfo | undefined): Promise<void>;
  /** It is on its way. */
  sent(message: JSONRPCMessage): void;
}

/** One connection of one server to its client. */
export class ClientLink {
  readonly callers: SessionCallers = new SessionCallers();
  readonly #transport: Transport;
  readonly #closed = new AbortController();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Fires when the connection is gone. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get sessionId(): string | undefined {
    return this.#transport.sessionId;
  }

  /** Whether requests have streams of their own. */
  get hasRequestStreams(): boolean {
    return hasRequestStreams(this.#transport);
  }

  /**
   * Whether who listens to what answers no request may hear all of it. Over HTTP anybody who knows the session can; other
   * connections have one reader, whoever calls.
   */
  get mayHear(): boolean {
    return !this.callers.isSeveral || handlerOf(this.#transport) === undefined;
  }

  /**
   * Sends past the SDK, which keeps no record of it. What answers no request goes out only where its caller listens.
   * @param relatedRequestId the request on whose stream it goes; where there is none, on that for everything else
   */
  async send(message: JSONRPCMessage, relatedRequestId?: RequestId): Promise<void> {
    if (this.closed.aborted) return;
    const isRelated = relatedRequestId !== undefined && this.hasRequestStreams;
    if ("method" in message && !isRelated && !this.mayHear) return;
    await this.#transport.send(message, isRelated ? { relatedRequestId } : undefined);
  }

  /** Whether an answer to a request could still reach the client, as far as can be told. */
  reaches(requestId: RequestId): boolean {
    return !this.closed.aborted && isRequestWaiting(this.#transport, requestId);
  }

  /**
   * What takes questions and news that belong to a request to the client; undefined: nothing does now. Another one than
   * before: what the former was given may be lost.
   */
  carrier(requestId: RequestId): unknown {
    if (this.closed.aborted || (!this.mayHear && !this.hasRequestStreams)) return undefined;
    return carrierOf(this.#transport, requestId);
  }

  /** There will be no answer to a request, since its client cancelled it: its stream ends, which the SDK leaves open. */
  drop(requestId: RequestId): void {
    if (!this.closed.aborted) endStream(this.#transport, requestId);
  }

  close(): void {
    this.#closed.abort();
  }
}

/**
 * Puts a filter between a server and the transports that it will be connected to. The SDK has no hook for responses it
 * did not ask for, nor for what it sends; its own callbacks are wrapped the moment it has set them.
 */
export function linkClients({ server }: McpServer, filter: LinkFilter, linked: (link: ClientLink) => void): void {
  const connect = server.connect.bind(server);
  const linking = async (transport: Transport): Promise<void> => {
    const link = new ClientLink(transport);
    const send = transport.send.bind(transport);
    const start = transport.start.bind(transport);
    transport.send = async (message, options) => {
      await send(await filter.sending(message), options);
      filter.sent(message);
    };
    transport.start = async () => {
      wrapCallbacks(transport, filter, link);
      linked(link);
      await start();
    };
    watchListening(transport, async (authInfo) => await filter.listening(authInfo));
    await connect(transport);
  };
  Object.defineProperty(server, "connect", { value: linking, configurable: true, writable: true });
}

/** The SDK says of no request but those with messages whose it is. */
function watchListening(transport: Transport, listening: (authInfo: AuthInfo | undefined) => Promise<void>): void {
  const handle = handlerOf(transport);
  if (handle === undefined) return;
  const handling = async (request: unknown, ...others: readonly unknown[]): Promise<unknown> => {
    if (property(request, "method") === "GET") await listening(authInfoOf(request, others[0]));
    return await Reflect.apply(handle, transport, [request, ...others]);
  };
  Object.defineProperty(transport, "handleRequest", { value: handling, configurable: true, writable: true });
}

/** What a transport over Streamable HTTP is handed requests by. */
function handlerOf(transport: Transport): CallableFunction | undefined {
  const handle: unknown = Reflect.get(transport, "handleRequest");
  return typeof handle === "function" ? handle : undefined;
}

/** Where each of the SDK's transports is given it: with Node's request, or beside the web's. */
function authInfoOf(request: unknown, options: unknown): AuthInfo | undefined {
  const given = property(request, "auth") ?? property(options, "authInfo");
  return isAuthInfo(given) ? given : undefined;
}

function isAuthInfo(given: unknown): given is AuthInfo {
  return isJsonObject(given) && typeof given["token"] === "string";
}

function wrapCallbacks(transport: Transport, filter: LinkFilter, link: ClientLink): void {
  const { onmessage, onclose } = transport;
  // eslint-disable-next-line unicorn/prefer-add-event-listener -- a transport has nothing else
  transport.onmessage = (message: JSONRPCMessage, extra?: MessageExtraInfo): void => {
    const passed = filter.received(message, extra?.authInfo);
    if (passed !== undefined) onmessage?.(passed, extra);
  };
  // eslint-disable-next-line unicorn/prefer-add-event-listener -- a transport has nothing else
  transport.onclose = () => {
    link.close();
    onclose?.();
  };
}

export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message;
}
