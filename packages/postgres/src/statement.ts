import { createHash } from "node:crypto";

/** One SQL statement with a fixed text. */
export interface Statement {
  readonly text: string;
  /** Under which a connection keeps it prepared; absent: not at all. */
  readonly name?: string;
}

/**
 * The name holds a hash of the text: another schema's or another version's statement on the same connection (a shared
 * pool) is another statement, and Postgres allows 63 bytes.
 */
export function statement(text: string, prepare: boolean, what: string): Statement {
  if (!prepare) return { text };
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 24);
  return { text, name: `mcp_task_store_${what}_${hash}` };
}
