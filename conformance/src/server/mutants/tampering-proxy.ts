import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import type { JsonObject } from "@mcp-task-store/core";
import { isJsonObject, objectIn, textIn } from "../wire-message.ts";

/** One request of a client, and what it is answered with. */
export interface Exchange {
  readonly method: string;
  readonly params: JsonObject;
  /** Of 2025-11-25; otherwise of 2026-07-28. */
  readonly isSession: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a proxy does to what passes through it. */
export interface Tampering {
  /** Changes a request, or answers it in the server's place: "silence" is no answer at all. */
  readonly request?: (
    exchange: Exchange,
  ) => Partial<Exchange> | { readonly answer: JsonObject | "silence" } | undefined;
  /** What the client gets instead of a message of the server: nothing, one or several. */
  readonly message?: (message: JsonObject, exchange: Exchange) => readonly JsonObject[];
  /** Answers with an event stream where the server did not. */
  readonly streams?: (exchange: Exchange) => boolean;
  readonly status?: (status: number, exchange: Exchange) => number;
  /** How long each message that belongs to no request is on its way, ms. @default 0 */
  readonly lagMs?: number;
}

export interface TamperingProxy extends AsyncDisposable {
  readonly url: string;
}

/** Headers of an answer that a client of MCP looks at. */
const PASSED_ON = ["content-type", "mcp-session-id", "www-authenticate"];

/** Headers of a request that belong to its connection. */
const OWN = new Set(["host", "connection", "content-length", "transfer-encoding", "keep-alive"]);

/** A server on loopback that hands everything on to another one, and tampers with it. */
export async function tamperingProxy(upstream: string, tampering: Tampering): Promise<TamperingProxy> {
  const http = createServer((request, response) => {
    handle(upstream, tampering, request, response).catch(() => response.destroy());
  });
  http.listen({ host: "127.0.0.1", port: 0 });
  await once(http, "listening");
  const address = http.address();
  if (typeof address !== "object" || address === null) throw new TypeError("the proxy does not listen on a port");
  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

async function handle(
  upstream: string,
  tampering: Tampering,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body = parsed(Buffer.concat(chunks).toString());
  const given = exchangeOf(request, body);
  const change = tampering.request?.(given);
  if (change !== undefined && "answer" in change) {
    if (change.answer === "silence") return;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id: body?.["id"], ...change.answer }));
    return;
  }
  const exchange = { ...given, ...change };
  const left = new AbortController();
  response.once("close", () => left.abort());
  const sent =
    body === undefined
      ? undefined
      : JSON.stringify({ ...body, ...(body["params"] === undefined ? {} : { params: exchange.params }) });
  const answer = await fetch(upstream, {
    method: request.method ?? "GET",
    headers: exchange.headers,
    ...(sent === undefined ? {} : { body: sent }),
    signal: left.signal,
  });
  const headers = PASSED_ON.flatMap((name): [string, string][] => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const status = tampering.status?.(answer.status, exchange) ?? answer.status;
  const tampered = (message: JsonObject): readonly JsonObject[] => tampering.message?.(message, exchange) ?? [message];
  if (answer.headers.get("content-type")?.includes("text/event-stream") === true && answer.body !== null) {
    response.writeHead(status, Object.fromEntries(headers));
    response.flushHeaders();
    await copyEvents(answer.body, response, tampered, request.method === "GET" ? tampering.lagMs : undefined);
    return;
  }
  const text = await answer.text();
  const messages = messagesIn(text).flatMap(tampered);
  const streams = messages.length > 0 && tampering.streams?.(exchange) === true;
  response.writeHead(status, {
    ...Object.fromEntries(headers),
    ...(streams ? { "content-type": "text/event-stream" } : {}),
  });
  if (streams) response.end(messages.map(eventOf).join(""));
  else response.end(messages.length === 0 ? text : JSON.stringify(messages[0]));
}

async function copyEvents(
  body: ReadableStream<Uint8Array>,
  response: ServerResponse,
  tampered: (message: JsonObject) => readonly JsonObject[],
  lagMs = 0,
): Promise<void> {
  let buffered = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    buffered += chunk;
    const events = buffered.split(/\r?\n\r?\n/);
    buffered = events.pop() ?? "";
    for (const event of events) {
      const data = /^data: ?(.+)$/m.exec(event)?.[1] ?? "";
      if (lagMs > 0) await setTimeout(lagMs);
      for (const message of messagesIn(data).flatMap(tampered)) response.write(eventOf(message));
    }
  }
  response.end();
}

function eventOf(message: JsonObject): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

function exchangeOf(request: IncomingMessage, body: JsonObject | undefined): Exchange {
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    typeof value === "string" && !OWN.has(name) ? [[name, value]] : [],
  );
  const params = objectIn(body, "params");
  const isSession = objectIn(params, "_meta")["io.modelcontextprotocol/protocolVersion"] === undefined;
  return { method: textIn(body, "method") ?? "", params, isSession, headers: Object.fromEntries(headers) };
}

function messagesIn(text: string): readonly JsonObject[] {
  const message = parsed(text);
  return message === undefined ? [] : [message];
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
