/** A {@link Wire} to one server, by URL or address: what tests of adapters put between a store and its server. */
import type { Address } from "../target.ts";
import type { HeldAnswers } from "./tcp-link.ts";
import { type HeldTurn, type HoldOptions, Wire } from "./wire.ts";

export interface TcpProxyOptions {
  /** The server: host and port, or a URL that holds them. */
  readonly target: string | Address;
}

export interface TcpProxy extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** How many connections go through it at this moment. */
  readonly connections: number;
  /** See {@link Wire.isCut}. */
  readonly isCut: boolean;
  /** The same URL, with the proxy in the server's place. */
  through(url: string): string;
  /** See {@link Wire.cut}. */
  cut(): void;
  /** See {@link Wire.freeze}. */
  freeze(): void;
  /** See {@link Wire.holdAnswers}. */
  holdAnswers(options?: HoldOptions): HeldAnswers;
  /** See {@link Wire.turns}. */
  readonly turns: number;
  /** See {@link Wire.holdTurn}. */
  holdTurn(nth: number, what: "request" | "answer"): HeldTurn;
  /** See {@link Wire.heal}. */
  heal(): void;
  /** Resets what is open and stops listening. Calling it twice is harmless. */
  close(): Promise<void>;
}

export async function tcpProxy({ target }: TcpProxyOptions): Promise<TcpProxy> {
  const wire = new Wire();
  const { port } = await wire.to(targetAddress(target));
  const close = (): Promise<void> => wire.close();
  return {
    host: "127.0.0.1",
    port,
    get connections() {
      return wire.connections;
    },
    get isCut() {
      return wire.isCut;
    },
    through: (url) => {
      const changed = new URL(url);
      changed.hostname = "127.0.0.1";
      changed.port = String(port);
      return changed.href;
    },
    cut: () => wire.cut(),
    freeze: () => wire.freeze(),
    holdAnswers: (options) => wire.holdAnswers(options),
    get turns() {
      return wire.turns;
    },
    holdTurn: (nth, what) => wire.holdTurn(nth, what),
    heal: () => wire.heal(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** @throws Error if a URL has no port */
export function targetAddress(target: string | Address): Address {
  if (typeof target !== "string") return target;
  const { hostname, port } = new URL(target);
  if (port === "") throw new Error("the proxy's target URL has no port");
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}
