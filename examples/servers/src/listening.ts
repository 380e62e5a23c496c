import type { AddressInfo } from "node:net";

/** Says where a server listens, in one line. */
export function announce(server: { address(): AddressInfo | string | null }): void {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new TypeError("the server does not listen on a port");
  console.log(`listening on http://127.0.0.1:${address.port}/mcp`);
}
