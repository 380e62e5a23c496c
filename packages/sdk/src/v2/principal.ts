import type { AuthInfo } from "@modelcontextprotocol/server";

/** Says who a caller is: whose tasks it makes and reaches. null: nobody; unguessable ids protect its tasks. */
export type PrincipalOf = (authInfo: AuthInfo | undefined) => string | null | Promise<string | null>;

/**
 * The subject of the token (`authInfo.extra.sub`), with its issuer where there is one. Nobody is guessed: all users of a
 * client may share its `clientId`, and a token changes when it is refreshed, so without a subject this throws.
 * @see X-59, S-69
 */
export function subjectOf(authInfo: AuthInfo | undefined): string | null {
  if (authInfo === undefined) return null;
  const { sub, iss } = authInfo.extra ?? {};
  if (typeof sub !== "string" || sub === "") {
    throw new Error(
      "TasksExtension: authInfo.extra.sub does not say who is calling. Set it where you verify the token, or give the option principal.",
    );
  }
  if (typeof iss === "string") return JSON.stringify([iss, sub]);
  // No subject can pass for one of an issuer.
  return sub.startsWith("[") ? JSON.stringify([null, sub]) : sub;
}
