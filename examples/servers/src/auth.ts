/** Who calls: a bearer token in, `authInfo` out. The owner of a task is its `extra.sub`. */
import {
  type AuthInfo,
  bearerAuthChallengeResponse,
  OAuthError,
  OAuthErrorCode,
  type OAuthTokenVerifier,
  verifyBearerToken,
} from "@modelcontextprotocol/server";

/** A real server verifies its authorization server's signature here, and takes `sub` and `iss` from the token. */
const SUBJECTS: ReadonlyMap<string, string> = new Map([
  ["token-of-alice", "alice"],
  ["token-of-bob", "bob"],
]);

const verifier: OAuthTokenVerifier = {
  verifyAccessToken: async (token) => {
    const sub = SUBJECTS.get(token);
    if (sub === undefined) throw new OAuthError(OAuthErrorCode.InvalidToken, "unknown token");
    return { token, clientId: "example", scopes: [], expiresAt: Date.now() / 1000 + 3_600, extra: { sub } };
  },
};

/** @returns what the caller is known by, or the answer that refuses it: HTTP 401 */
export async function authenticate(authorization: string | null | undefined): Promise<AuthInfo | Response> {
  try {
    return await verifyBearerToken(authorization, { verifier });
  } catch (error) {
    return bearerAuthChallengeResponse(error);
  }
}
