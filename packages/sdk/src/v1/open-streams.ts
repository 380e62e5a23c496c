import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { RequestId } from "@modelcontextprotocol/sdk/types.js";

/** What the SDK's Streamable HTTP transport has open, which it tells nobody. */
interface Books {
  /** By the ids of requests. */
  readonly streamOf: ReadonlyMap<unknown, unknown>;
  readonly streams: ReadonlyMap<unknown, unknown>;
  /** Where the client listens to what answers no request of its own; undefined: it does not. */
  readonly listening: unknown;
  /** It keeps what it sends, for clients that come back. */
  readonly keepsEvents: boolean;
  /** Requests are answered as JSON: nothing goes out beside an answer. */
  readonly answersAsJson: boolean;
}

/** undefined for a transport that keeps none of this shape. */
function booksOf(transport: Transport): Books | undefined {
  const http = httpOf(transport);
  const streamOf = property(http, "_requestToStreamMapping");
  const streams = property(http, "_streamMapping");
  if (!(streamOf instanceof Map) || !(streams instanceof Map)) return undefined;
  return {
    streamOf,
    streams,
    listening: streams.get(property(http, "_standaloneSseStreamId")),
    keepsEvents: property(http, "_eventStore") !== undefined,
    answersAsJson: property(http, "_enableJsonResponse") === true,
  };
}

/**
 * Whether the answer to a request could still reach its client. One that goes away without a word is noticed by the SDK's
 * Streamable HTTP transport and told to nobody, so that a blocked request would wait for it until the task ends. A
 * transport of another kind, one that keeps events for clients that come back, and one that answers as JSON, which does
 * not notice, count as open.
 */
export function isRequestWaiting(transport: Transport, requestId: RequestId): boolean {
  const books = booksOf(transport);
  if (books === undefined || books.keepsEvents) return true;
  return books.streams.has(books.streamOf.get(requestId));
}

/**
 * What carries questions and news that belong to a request; undefined: nothing does now. Another one than before: what
 * the former was given may be lost.
 */
export function carrierOf(transport: Transport, requestId: RequestId): unknown {
  const books = booksOf(transport);
  if (books?.answersAsJson !== true) return isRequestWaiting(transport, requestId) ? transport : undefined;
  const { listening, keepsEvents } = books;
  return keepsEvents && listening !== undefined ? transport : listening;
}

/** Not where its client would come back for more, nor where the answer itself is waited for and nothing else. */
export function endStream(transport: Transport, requestId: RequestId): void {
  const books = booksOf(transport);
  const end: unknown = Reflect.get(transport, "closeSSEStream");
  if (books === undefined || books.keepsEvents || books.answersAsJson || typeof end !== "function") return;
  Reflect.apply(end, transport, [requestId]);
}

/**
 * Whether a request has a stream on which more than its answer can go. A Streamable HTTP transport that was made with
 * `enableJsonResponse` drops everything else, and tells nobody.
 */
export function hasRequestStreams(transport: Transport): boolean {
  return booksOf(transport)?.answersAsJson !== true;
}

/** The Node transport is a shell around that of the web. */
function httpOf(transport: Transport): unknown {
  return property(transport, "_webStandardTransport") ?? transport;
}

export function property(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null ? Reflect.get(object, name) : undefined;
}
