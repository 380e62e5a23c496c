/** Who calls. A real server asks its authorization server; these two tokens are for the demo. */
import {
  type AuthInfo,
  bearerAuthChallengeResponse,
  OAuthError,
  OAuthErrorCode,
  type OAuthTokenVerifier,
  verifyBearerToken,
} from "@modelcontextprotocol/server";

export type Principal = "alice" | "bob";

export const TOKENS: Readonly<Record<Principal, string>> = { alice: "token-of-alice", bob: "token-of-bob" };

const verifier: OAuthTokenVerifier = {
  verifyAccessToken: async (token) => {
    const [sub] = Object.entries(TOKENS).find(([, known]) => known === token) ?? [];
    if (sub === undefined) throw new OAuthError(OAuthErrorCode.InvalidToken, "unknown token");
    return { token, clientId: "demo", scopes: [], expiresAt: Date.now() / 1000 + 3_600, extra: { sub } };
  },
};

/** @returns what the caller is known by, or the refusal: HTTP 401 */
export async function authenticate(authorization: string | undefined): Promise<AuthInfo | Response> {
  try {
    return await verifyBearerToken(authorization, { verifier });
  } catch (error) {
    return bearerAuthChallengeResponse(error);
  }
}
