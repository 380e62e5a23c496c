/** The official client of SDK 1.x, with all that the server told it. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  type ClientCapabilities,
  ElicitRequestSchema,
  type ElicitResult,
  type JSONRPCMessage,
  McpError,
} from "@modelcontextprotocol/sdk/types.js";

export interface TestClientOptions {
  /** The token's subject. @default without authentication */
  readonly user?: string;
  /** How the user answers. @default the client shows no forms */
  readonly answer?: (message: string, key: string) => ElicitResult | Promise<ElicitResult>;
  readonly capabilities?: ClientCapabilities;
  /** Over HTTP: opens no stream for what answers no request of its own. @default false */
  readonly isDeaf?: boolean;
}

export interface TestClient extends AsyncDisposable {
  readonly client: Client;
  readonly transport: Transport;
  /** Everything the server sent, in the order of arrival. */
  readonly received: readonly JSONRPCMessage[];
  /** Whatever the client sent. */
  readonly sent: readonly JSONRPCMessage[];
}

export async function connectHttp(url: URL, options: TestClientOptions = {}): Promise<TestClient> {
  const headers = options.user === undefined ? {} : { authorization: `Bearer ${options.user}` };
  const withoutListening: typeof fetch = async (to, init) =>
    init?.method === "GET" ? new Response(null, { status: 405 }) : await fetch(to, init);
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers },
    ...(options.isDeaf === true && { fetch: withoutListening }),
  });
  return await connect(transport, options);
}

export async function connect(transport: Transport, options: TestClientOptions = {}): Promise<TestClient> {
  const { answer, capabilities = answer === undefined ? {} : { elicitation: { form: {} } } } = options;
  const client = new Client({ name: "test-client", version: "1.0.0" }, { capabilities });
  if (answer !== undefined) {
    client.setRequestHandler(
      ElicitRequestSchema,
      async ({ params }, { requestId }) => await answer(params.message, String(requestId)),
    );
  }
  const [received, sent]: [JSONRPCMessage[], JSONRPCMessage[]] = [[], []];
  const send = transport.send.bind(transport);
  transport.send = async (message, sendOptions) => {
    sent.push(message);
    await send(message, sendOptions);
  };
  await client.connect(transport);
  const { onmessage } = transport;
  // eslint-disable-next-line unicorn/prefer-add-event-listener -- a transport has nothing else
  transport.onmessage = (message: JSONRPCMessage, extra) => {
    received.push(message);
    onmessage?.(message, extra);
  };
  return { client, transport, received, sent, [Symbol.asyncDispose]: async () => await client.close() };
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** The JSON-RPC error that a request was answered with, as it was on the wire. */
export async function rpcErrorOf(request: Promise<unknown>): Promise<RpcError> {
  try {
    await request;
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    const { code, message, data } = error;
    return { code, message: message.replace(`MCP error ${code}: `, ""), ...(data !== undefined && { data }) };
  }
  throw new Error("The request was answered with a result.");
}
