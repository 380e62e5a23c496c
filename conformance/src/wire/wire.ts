/**
 * The connections between one client and its servers, and what may happen to them. It knows no protocol: it passes
 * bytes, holds them back, loses them or breaks the connections, so that the code under test needs no switch for tests.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Address } from "../target.ts";
import { type HeldAnswers, Link } from "./tcp-link.ts";

export interface HoldOptions {
  /** Only connections that, from now on, send a request with this text in it (a task id, say). @default all */
  readonly whenRequestIncludes?: string | undefined;
}

/** A turn that is held. */
export interface HeldTurn {
  /** Resolves when it is. */
  readonly arrived: Promise<void>;
  /** Lets it pass; without one that arrived, none will be held any more. Twice is harmless. */
  release(): void;
}

export class Wire {
  readonly #links = new Set<Link>();
  readonly #listeners = new Map<string, Promise<Server>>();
  #state: "open" | "cut" | "frozen" = "open";
  #turns = 0;
  #ended = 0;
  #turnHeld: { readonly at: number; readonly hold: (link: Link) => void } | undefined;
  #hold: { readonly text: string | undefined; readonly onHeld: () => void } | undefined;
  #closed: Promise<void> | undefined;

  /** How many connections there are at this moment. */
  get connections(): number {
    return this.#links.size;
  }

  /** How many connections have ended, by either side. */
  get ended(): number {
    return this.#ended;
  }

  /** How many turns began on all connections together. */
  get turns(): number {
    return this.#turns;
  }

  /** The address on loopback that leads to this server. One for each server, however often it is asked for. */
  async to(server: Address): Promise<Address> {
    const key = `${server.host} ${server.port}`;
    const listening = this.#listeners.get(key) ?? this.#listen(server);
    this.#listeners.set(key, listening);
    const { port } = (await listening).address() as AddressInfo;
    return { host: "127.0.0.1", port };
  }

  async #listen({ host, port }: Address): Promise<Server> {
    const listener = createServer({ allowHalfOpen: true }, (client: Socket) => {
      if (this.#state === "cut") {
        client.resetAndDestroy();
        return;
      }
      const link = new Link(client, connect({ host, port, allowHalfOpen: true }));
      this.#links.add(link);
      link.onClose = () => {
        this.#links.delete(link);
        this.#ended += 1;
      };
      link.onTurn = () => {
        this.#turns += 1;
        if (this.#turnHeld?.at === this.#turns) this.#turnHeld.hold(link);
      };
      if (this.#hold !== undefined) link.holdAnswers(this.#hold.text, this.#hold.onHeld);
      if (this.#state === "frozen") link.freeze();
    });
    listener.listen({ host: "127.0.0.1", port: 0 });
    await once(listener, "listening");
    return listener;
  }

  /** From `cut` until `heal`; connections that were cut may end a little later. */
  get isCut(): boolean {
    return this.#state === "cut";
  }

  /** Resets every connection, and each new one at once, until `heal`. Whatever was held is lost. */
  cut(): void {
    this.#state = "cut";
    this.#hold = undefined;
    this.#turnHeld = undefined;
    for (const link of this.#links) link.reset();
  }

  /** Lets nothing pass either way, and says nothing: the half-open connection that only a time-out finds. Until `heal`. */
  freeze(): void {
    this.#state = "frozen";
    for (const link of this.#links) link.freeze();
  }

  /**
   * Lets requests pass and keeps the answers, until `heal` delivers them or `cut` loses them. A write that was committed
   * and whose answer was lost: hold, start the write, await `arrived`, cut, heal.
   */
  holdAnswers({ whenRequestIncludes }: HoldOptions = {}): HeldAnswers {
    const arrived = new Promise<void>((resolve) => {
      this.#hold = { text: whenRequestIncludes, onHeld: resolve };
      for (const link of this.#links) link.holdAnswers(whenRequestIncludes, resolve);
    });
    return { arrived };
  }

  /**
   * Holds one turn: the `nth` that begins from now on, counted from 1 over all connections. Its request, before the
   * server gets it, or its answer, before the client does.
   */
  holdTurn(nth: number, what: "request" | "answer"): HeldTurn {
    let held: Link | undefined;
    const arrived = new Promise<void>((resolve) => {
      this.#turnHeld = {
        at: this.#turns + nth,
        hold(link) {
          held = link;
          if (what === "answer") return link.holdAnswers(undefined, resolve);
          link.holdRequests();
          resolve();
        },
      };
    });
    const release = (): void => {
      this.#turnHeld = undefined;
      held?.heal();
      held = undefined;
    };
    return { arrived, release };
  }

  /** Everything passes again; what was held is delivered. */
  heal(): void {
    this.#state = "open";
    this.#hold = undefined;
    this.#turnHeld = undefined;
    for (const link of this.#links) link.heal();
  }

  /** Resets what is open and stops listening. Calling it twice is harmless. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    const listeners = await Promise.allSettled(this.#listeners.values());
    const closing = listeners.map(async (one) => {
      if (one.status === "rejected") return;
      const closed = once(one.value, "close");
      one.value.close();
      await closed;
    });
    for (const link of this.#links) link.reset();
    await Promise.all(closing);
  }
}
