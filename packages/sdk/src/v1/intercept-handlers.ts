import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { Result, ServerNotification, ServerRequest } from "@modelcontextprotocol/sdk/types.js";

export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Stands before the SDK's handler of a method; `next` is that handler, on this very request. */
export type Interceptor = (request: unknown, extra: Extra, next: (extra: Extra) => Promise<Result>) => Promise<Result>;

/** Asks the SDK's own handler of an intercepted method. @throws Error while there is none */
export type AskSdk = (method: string, request: unknown, extra: Extra) => Promise<Result>;

/**
 * Puts interceptors before handlers that the SDK sets later on, at the first `registerTool`. The SDK has no hook for it;
 * its handlers are caught where they are registered, and nothing of them is written anew. One that is registered already
 * stays as it is.
 */
export function interceptHandlers({ server }: McpServer, interceptors: Readonly<Record<string, Interceptor>>): AskSdk {
  const register: unknown = Reflect.get(server, "setRequestHandler");
  if (typeof register !== "function") throw new TypeError("The server has no setRequestHandler.");

  const caught = new Map<string, CallableFunction>();
  const askSdk: AskSdk = async (method, request, extra) => {
    const handler = caught.get(method);
    if (handler === undefined) throw new Error(`The server does not handle ${method}.`);
    return await Reflect.apply(handler, undefined, [request, extra]);
  };

  const intercepting = (schema: unknown, handler: unknown): void => {
    const method = methodOf(schema) ?? "";
    const interceptor = interceptors[method];
    if (interceptor === undefined || typeof handler !== "function") {
      Reflect.apply(register, server, [schema, handler]);
      return;
    }
    caught.set(method, handler);
    const intercepted = async (request: unknown, extra: Extra): Promise<Result> =>
      await interceptor(request, extra, async (passed) => await askSdk(method, request, passed));
    Reflect.apply(register, server, [schema, intercepted]);
  };
  Object.defineProperty(server, "setRequestHandler", { value: intercepting, configurable: true, writable: true });
  return askSdk;
}

/** The method that a request schema is for: `z.object({ method: z.literal(…) })`, of either major version of zod. */
function methodOf(schema: unknown): string | undefined {
  const shape = property(schema, "shape");
  const method = property(property(typeof shape === "function" ? shape() : shape, "method"), "value");
  return typeof method === "string" ? method : undefined;
}

function property(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null ? Reflect.get(object, name) : undefined;
}
