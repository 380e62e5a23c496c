/**
 * A plain TCP proxy on loopback that breaks connections in the ways networks do. It stands between a client and a real
 * server, so that the code under test needs no switch for tests.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type HeldAnswers, Link } from "./tcp-link.ts";

export interface TcpProxyOptions {
  /** The server: host and port, or a URL that holds them. */
  readonly target: string | { readonly host: string; readonly port: number };
}

export interface HoldOptions {
  /** Only connections that, from now on, send a request with this text in it (a task id, say). @default all */
  readonly whenRequestIncludes?: string | undefined;
}

export interface TcpProxy extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** How many connections go through it at this moment. */
  readonly connections: number;
  /** From `cut` until `heal`; connections that were cut may end a little later. */
  readonly isCut: boolean;
  /** The same URL, with the proxy in the server's place. */
  through(url: string): string;
  /** Resets every connection, and each new one at once, until `heal`. Answers that were held are lost. */
  cut(): void;
  /** Lets nothing pass either way, and says nothing: the half-open connection that only a time-out finds. Until `heal`. */
  freeze(): void;
  /**
   * Lets requests pass and keeps the answers, until `heal` delivers them or `cut` loses them. A write that was committed
   * and whose answer was lost: hold, start the write, await `arrived`, cut, heal.
   */
  holdAnswers(options?: HoldOptions): HeldAnswers;
  /** Everything passes again; held answers are delivered. */
  heal(): void;
  /** Resets what is open and stops listening. Calling it twice is harmless. */
  close(): Promise<void>;
}

export async function tcpProxy({ target }: TcpProxyOptions): Promise<TcpProxy> {
  const server = targetAddress(target);
  const links = new Set<Link>();
  let state: "open" | "cut" | "frozen" = "open";
  let hold: { readonly text: string | undefined; readonly onHeld: () => void } | undefined;

  const listener = createServer({ allowHalfOpen: true }, (client: Socket) => {
    if (state === "cut") {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect({ ...server, allowHalfOpen: true }));
    links.add(link);
    link.onClose = () => links.delete(link);
    if (hold !== undefined) link.holdAnswers(hold.text, hold.onHeld);
    if (state === "frozen") link.freeze();
  });
  listener.listen({ host: "127.0.0.1", port: 0 });
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;

  const cutAll = (): void => {
    for (const link of links) link.reset();
  };
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= new Promise((resolve) => {
      listener.close(() => resolve());
      cutAll();
    }));

  return {
    host: "127.0.0.1",
    port,
    get connections() {
      return links.size;
    },
    get isCut() {
      return state === "cut";
    },
    through: (url) => {
      const changed = new URL(url);
      changed.hostname = "127.0.0.1";
      changed.port = String(port);
      return changed.href;
    },
    cut: () => {
      state = "cut";
      hold = undefined;
      cutAll();
    },
    freeze: () => {
      state = "frozen";
      for (const link of links) link.freeze();
    },
    holdAnswers: ({ whenRequestIncludes } = {}) => {
      const arrived = new Promise<void>((resolve) => {
        hold = { text: whenRequestIncludes, onHeld: resolve };
        for (const link of links) link.holdAnswers(whenRequestIncludes, resolve);
      });
      return { arrived };
    },
    heal: () => {
      state = "open";
      hold = undefined;
      for (const link of links) link.heal();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function targetAddress(target: TcpProxyOptions["target"]): { host: string; port: number } {
  if (typeof target !== "string") return { host: target.host, port: target.port };
  const { hostname, port } = new URL(target);
  if (port === "") throw new Error("the proxy's target URL has no port");
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}
