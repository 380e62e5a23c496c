import type { InputRequest } from "@mcp-task-store/core";

/** A question as clients of 2025-11-25 are asked it: an address to open has an id in that version. */
export function withElicitationId(request: InputRequest, newId: () => string): InputRequest {
  const { params = {} } = request;
  if (params["mode"] !== "url" || params["elicitationId"] !== undefined) return request;
  return { ...request, params: { ...params, elicitationId: newId() } };
}
