/**
 * One connection through the proxy: the client's socket, the server's, and what passes between them. A turn is what the
 * client sends until the server answers, and that answer.
 */
import type { Socket } from "node:net";

export interface HeldAnswers {
  /** Resolves when the first answer was kept back: the server has done what it was asked. */
  readonly arrived: Promise<void>;
}

interface Hold {
  /** Undefined: every answer is kept. */
  readonly text: string | undefined;
  readonly onHeld: () => void;
  /** The request was seen; from now on answers are kept. */
  matched: boolean;
  /** The end of what was sent so far: a text may be spread over two chunks. */
  tail: Buffer;
  readonly kept: Buffer[];
}

export class Link {
  onClose: () => void = () => {};
  /** A turn begins: its first bytes have come from the client and have not been passed on. */
  onTurn: () => void = () => {};
  readonly #client: Socket;
  readonly #server: Socket;
  #frozen = false;
  #hold: Hold | undefined;
  /** Requests that the server has not got; undefined: they pass. */
  #heldRequests: Buffer[] | undefined;
  #clientSpoke = false;
  /** The server has closed its side; passed on once nothing is held. */
  #serverEnded = false;

  constructor(client: Socket, server: Socket) {
    this.#client = client;
    this.#server = server;
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.on("data", (chunk: Buffer) => {
      if (!this.#clientSpoke) this.onTurn();
      this.#clientSpoke = true;
      this.#look(chunk);
      if (this.#heldRequests === undefined) this.#pass(chunk, client, server);
      else this.#heldRequests.push(chunk);
    });
    server.on("data", (chunk: Buffer) => {
      this.#clientSpoke = false;
      if (this.#hold?.matched) this.#keep(this.#hold, chunk);
      else this.#pass(chunk, server, client);
    });
    client.on("end", () => server.end());
    server.on("end", () => {
      this.#serverEnded = true;
      if (!this.#hold?.matched) client.end();
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on("error", () => {}); // "close" follows
      socket.on("close", (hadError) => {
        if (hadError) breakOff(other);
        if (client.destroyed && server.destroyed) this.onClose();
      });
    }
  }

  reset(): void {
    this.#hold = undefined;
    this.#heldRequests = undefined;
    breakOff(this.#client);
    breakOff(this.#server);
  }

  freeze(): void {
    this.#frozen = true;
    this.#client.pause();
    this.#server.pause();
  }

  holdAnswers(text: string | undefined, onHeld: () => void): void {
    const kept = this.#hold?.kept ?? [];
    this.#hold = { text, onHeld, matched: text === undefined || kept.length > 0, tail: Buffer.alloc(0), kept };
  }

  /** Until `heal`. */
  holdRequests(): void {
    this.#heldRequests ??= [];
  }

  heal(): void {
    const kept = this.#hold?.kept ?? [];
    this.#hold = undefined;
    for (const chunk of this.#heldRequests ?? []) this.#server.write(chunk);
    this.#heldRequests = undefined;
    for (const chunk of kept) this.#client.write(chunk);
    if (this.#serverEnded) this.#client.end();
    this.#frozen = false;
    this.#client.resume();
    this.#server.resume();
  }

  #look(chunk: Buffer): void {
    const hold = this.#hold;
    if (hold === undefined || hold.matched || hold.text === undefined) return;
    const seen = Buffer.concat([hold.tail, chunk]);
    hold.matched = seen.includes(hold.text);
    hold.tail = seen.subarray(Math.max(0, seen.length - Buffer.byteLength(hold.text)));
  }

  #keep(hold: Hold, chunk: Buffer): void {
    hold.kept.push(chunk);
    hold.onHeld();
  }

  #pass(chunk: Buffer, from: Socket, to: Socket): void {
    if (to.write(chunk)) return;
    from.pause();
    to.once("drain", () => {
      if (!this.#frozen) from.resume();
    });
  }
}

/** Resets a connection; one that ends already cannot be reset, and Node would not let go of it. */
function breakOff(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
