/** What an address says: its scheme names the server, and on Redis `#…` the prefix of all keys, where others have theirs. */
export type Address =
  | { readonly kind: "postgres"; readonly connectionString: string }
  | ({ readonly kind: "redis" } & RedisAddress);

export interface RedisAddress {
  readonly connectionString: string;
  readonly keyPrefix: string | undefined;
}

export function addressOf(url: string | undefined): Address {
  if (url === undefined) throw new Error("DATABASE_URL is not set; give postgres://… or redis://…");
  const { protocol, hash } = new URL(url);
  switch (protocol) {
    case "postgres:":
    case "postgresql:":
      return { kind: "postgres", connectionString: url };
    case "redis:":
    case "rediss:":
      return {
        kind: "redis",
        connectionString: url.slice(0, url.length - hash.length),
        keyPrefix: hash.slice(1) || undefined,
      };
    default:
      throw new Error(`DATABASE_URL starts with ${protocol}; give postgres://… or redis://…`);
  }
}
