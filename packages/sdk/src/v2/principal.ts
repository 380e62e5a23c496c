import type { AuthInfo } from "@modelcontextprotocol/server";

/** Says who a caller is: whose tasks it makes and reaches. null: nobody; unguessable ids protect its tasks. */
export type PrincipalOf = (authInfo: AuthInfo | undefined) => string | null | Promise<string | null>;
