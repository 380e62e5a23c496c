import type { McpHandlerRequestOptions } from "@modelcontextprotocol/server";

/** What answers requests of one generation. */
export interface Endpoint {
  fetch(request: Request, options?: McpHandlerRequestOptions): Promise<Response>;
  /** Ends streams and gives running tasks back; the store stays open. */
  close(): Promise<void>;
}
