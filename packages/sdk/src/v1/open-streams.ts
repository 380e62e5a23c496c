import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { RequestId } from "@modelcontextprotocol/sdk/types.js";

/**
 * Whether the stream of a request is still open. A client that goes away without a word is noticed by the SDK's
 * Streamable HTTP transport and told to nobody, so that a blocked request would wait for it until the task ends; the
 * transport's own books are looked at instead. A transport that keeps none of this shape, or events for clients that
 * come back, counts as open.
 */
export function isRequestWaiting(transport: Transport, requestId: RequestId): boolean {
  const http = httpOf(transport);
  const streamOf = property(http, "_requestToStreamMapping");
  const streams = property(http, "_streamMapping");
  if (!(streamOf instanceof Map) || !(streams instanceof Map)) return true;
  if (property(http, "_eventStore") !== undefined) return true;
  return streams.has(streamOf.get(requestId));
}

/**
 * Whether a request has a stream on which more than its answer can go. A Streamable HTTP transport that was made with
 * `enableJsonResponse` drops everything else, and tells nobody.
 */
export function hasRequestStreams(transport: Transport): boolean {
  return property(httpOf(transport), "_enableJsonResponse") !== true;
}

/** The Node transport is a shell around that of the web. */
function httpOf(transport: Transport): unknown {
  return property(transport, "_webStandardTransport") ?? transport;
}

function property(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null ? Reflect.get(object, name) : undefined;
}
