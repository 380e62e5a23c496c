/** A server of SDK 1.x on one connection that carries everything: as stdio does, without a process. */
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { connect, type TestClient, type TestClientOptions } from "./test-client.ts";

/** @param serverSide sees the server's end before it is connected */
export async function connectInMemory(
  prepare: (mcp: McpServer) => void,
  options: TestClientOptions,
  serverSide: (transport: Transport) => void = () => undefined,
): Promise<TestClient> {
  const mcp = new McpServer({ name: "test", version: "1.0.0" });
  prepare(mcp);
  const [clientEnd, serverEnd] = InMemoryTransport.createLinkedPair();
  serverSide(serverEnd);
  await mcp.connect(serverEnd);
  return await connect(clientEnd, options);
}
