/** JSON-RPC error codes that tools meet. */
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;
export const MISSING_CLIENT_CAPABILITY = -32021;

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
  }
}

/** What makes a JSON-RPC error of something thrown. */
export interface JsonRpcErrorLike {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/**
 * Whether something thrown is a JSON-RPC error, of whichever library: an integer `code` and a `message`. Anything may be
 * thrown; no getter can make this throw.
 */
export function isJsonRpcError(thrown: unknown): thrown is JsonRpcErrorLike {
  try {
    // A DOMException has a legacy number that means nothing here: an AbortError is 20.
    if (typeof thrown !== "object" || thrown === null || thrown instanceof DOMException) return false;
    if (!("code" in thrown) || !("message" in thrown)) return false;
    return Number.isSafeInteger(thrown.code) && typeof thrown.message === "string";
  } catch {
    return false;
  }
}
