/** What is read of a verified token; `AuthInfo` of either SDK fits. */
export interface TokenInfo {
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The subject of the token (`authInfo.extra.sub`), with its issuer where there is one. Nobody is guessed: all users of a
 * client may share its `clientId`, and a token changes when it is refreshed, so without a subject this throws.
 * @see X-59, S-69
 */
export function subjectOf<AuthInfo extends TokenInfo>(authInfo: AuthInfo | undefined): string | null {
  if (authInfo === undefined) return null;
  const { sub, iss } = authInfo.extra ?? {};
  if (typeof sub !== "string" || sub === "") {
    throw new Error(
      "authInfo.extra.sub does not say who is calling. Set it where you verify the token, or give the option principal.",
    );
  }
  if (typeof iss === "string") return JSON.stringify([iss, sub]);
  // No subject can pass for one of an issuer.
  return sub.startsWith("[") ? JSON.stringify([null, sub]) : sub;
}
