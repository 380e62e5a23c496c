import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { RequestId } from "@modelcontextprotocol/sdk/types.js";

/**
 * Whether the stream of a request is still open. A client that goes away without a word is noticed by the SDK's
 * Streamable HTTP transport and told to nobody, so that a blocked request would wait for it until the task ends; the
 * transport's own books are looked at instead. A transport that keeps none of this shape, or events for clients that
 * come back, counts as open.
 */
export function isRequestWaiting(transport: Transport, requestId: RequestId): boolean {
  const http: unknown = property(transport, "_webStandardTransport") ?? transport;
  const streamOf = property(http, "_requestToStreamMapping");
  const streams = property(http, "_streamMapping");
  if (!(streamOf instanceof Map) || !(streams instanceof Map)) return true;
  if (property(http, "_eventStore") !== undefined) return true;
  return streams.has(streamOf.get(requestId));
}

function property(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null ? Reflect.get(object, name) : undefined;
}
