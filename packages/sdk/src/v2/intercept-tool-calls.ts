import type { CallToolRequest, McpServer, Result, ServerContext } from "@modelcontextprotocol/server";

/** Stands before the SDK's handler of tools/call; `next` is that handler, on this very call. */
export type ToolCallInterceptor = (
  request: CallToolRequest,
  context: ServerContext,
  next: () => Promise<Result>,
) => Promise<Result>;

/**
 * Puts an interceptor before the handler that the SDK sets for tools/call at the first `registerTool`. The SDK has no
 * hook for it; its handler is caught where it is registered, and nothing of it is written anew.
 * @throws Error if a tool was registered before
 */
export function interceptToolCalls({ server }: McpServer, interceptor: ToolCallInterceptor): void {
  server.assertCanSetRequestHandler("tools/call");
  const register: unknown = Reflect.get(server, "setRequestHandler");
  if (typeof register !== "function") throw new TypeError("The server has no setRequestHandler.");

  const intercepting = (method: string, ...rest: unknown[]): void => {
    const [handler] = rest;
    if (method !== "tools/call" || typeof handler !== "function") {
      Reflect.apply(register, server, [method, ...rest]);
      return;
    }
    Reflect.deleteProperty(server, "setRequestHandler");
    const intercepted = async (request: CallToolRequest, context: ServerContext): Promise<Result> =>
      await interceptor(request, context, async () => await Reflect.apply(handler, undefined, [request, context]));
    Reflect.apply(register, server, [method, intercepted]);
  };
  Object.defineProperty(server, "setRequestHandler", { value: intercepting, configurable: true, writable: true });
}
