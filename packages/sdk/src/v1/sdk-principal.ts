/**
 * Whose tasks a session makes and reaches. The SDK tells its stores nothing else of a caller.
 * @param sessionId undefined: a transport without sessions, such as stdio
 * @returns null: nobody; its tasks are protected by their unguessable ids and cannot be listed
 */
export type SessionPrincipalOf = (sessionId: string | undefined) => string | null | Promise<string | null>;

export interface SdkStoreOptions {
  /**
   * Whose tasks these are. A string or null: one caller's, for a store that is made anew for each connection, where
   * you know who it is. A function: asked with the session of each request. Only a principal that outlives its session
   * finds its tasks again after a reconnect.
   * @default each session is a principal of its own, and callers without a session are nobody
   */
  readonly principal?: string | null | SessionPrincipalOf | undefined;
}

export async function principalOf(
  { principal }: SdkStoreOptions,
  sessionId: string | undefined,
): Promise<string | null> {
  if (typeof principal === "function") return await principal(sessionId);
  if (principal !== undefined) return principal;
  // No user's name can pass for a session's.
  return sessionId === undefined ? null : JSON.stringify(["mcp-session", sessionId]);
}
