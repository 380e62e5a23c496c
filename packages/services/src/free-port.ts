/** A port for a server on loopback. */
import { createServer } from "node:net";

/**
 * Below the ranges from which systems take the ports of outgoing connections (Linux from 32768, others from 49152),
 * so that a server that is restarted finds its port free.
 */
const FIRST = 15_000;
const LAST = 31_999;

export interface PortOptions {
  /** Not above this one. @default 31_999 */
  readonly last?: number;
  /** Further ports that a server on this one needs. */
  readonly alsoFree?: (port: number) => readonly number[];
}

/** Free at this moment; somebody else may take it before the server does, so the server's own failure decides. */
export async function freePort({ last = LAST, alsoFree = () => [] }: PortOptions = {}): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (last - FIRST + 1));
    const free = await Promise.all([port, ...alsoFree(port)].map(isFree));
    if (free.every(Boolean)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
