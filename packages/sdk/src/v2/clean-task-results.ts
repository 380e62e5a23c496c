import type { JSONRPCMessage, McpServer, Transport } from "@modelcontextprotocol/server";
import { isJsonObject } from "../stored-call.ts";

/**
 * Takes away the `content: []` that the SDK adds to every answer of tools/call: a task has none. Done where the
 * answer leaves the server, since the SDK adds it after every handler.
 */
export function cleanTaskResults({ server }: McpServer): void {
  const connect = server.connect.bind(server);
  const cleaning = async (transport: Transport): Promise<void> => {
    const send = transport.send.bind(transport);
    transport.send = async (message, options) => await send(withoutContent(message), options);
    await connect(transport);
  };
  Object.defineProperty(server, "connect", { value: cleaning, configurable: true, writable: true });
}

function withoutContent(message: JSONRPCMessage): JSONRPCMessage {
  if (!("result" in message) || !isJsonObject(message.result) || message.result["resultType"] !== "task")
    return message;
  const { content: _, ...result } = message.result;
  return { ...message, result };
}
