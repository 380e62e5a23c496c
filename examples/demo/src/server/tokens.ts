/** Who calls: the two subjects that the examples' verifier knows. A real server asks its authorization server. */

export type Principal = "alice" | "bob";

export const TOKENS: Readonly<Record<Principal, string>> = { alice: "token-of-alice", bob: "token-of-bob" };
