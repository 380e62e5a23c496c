/** JSON-RPC error codes that tools meet. */
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;
export const MISSING_CLIENT_CAPABILITY = -32021;

/** The codes that JSON-RPC and MCP reserve. Other integers are as often a database's or HTTP's. */
const LOWEST_RESERVED = -32_768;
const HIGHEST_RESERVED = -32_000;

const BRAND: unique symbol = Symbol.for("@mcp-task-store/sdk/ToolError");

/**
 * A JSON-RPC error: thrown from a tool it fails the task, and reaches the client with exactly this code, message and
 * data. For what the model should see as a tool's answer return `{ isError: true }`, or throw any other error.
 * @see S-67, X-21, X-57
 */
export class ToolError extends Error {
  override readonly name: string = "ToolError";
  readonly code: number;
  declare readonly data?: unknown;

  /** @param code an integer, as JSON-RPC has it */
  constructor(code: number, message: string, data?: unknown) {
    super(message);
    if (!Number.isSafeInteger(code)) throw new TypeError("The code of a ToolError must be an integer.");
    this.code = code;
    if (data !== undefined) this.data = data;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** What makes a JSON-RPC error of something thrown. */
export interface JsonRpcErrorLike {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/**
 * Whether something thrown is meant as a JSON-RPC error: a {@link ToolError}, of whichever copy of this package, or
 * anything with a `message` and a `code` that JSON-RPC reserves, such as the official SDK's errors. Anything may be
 * thrown; no getter can make this throw.
 */
export function isJsonRpcError(thrown: unknown): thrown is JsonRpcErrorLike {
  try {
    if (typeof thrown !== "object" || thrown === null || !("code" in thrown) || !("message" in thrown)) return false;
    const { code, message } = thrown;
    if (typeof code !== "number" || !Number.isSafeInteger(code) || typeof message !== "string") return false;
    return BRAND in thrown || (code >= LOWEST_RESERVED && code <= HIGHEST_RESERVED);
  } catch {
    return false;
  }
}
