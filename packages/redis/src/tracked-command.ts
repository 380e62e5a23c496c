import { Command } from "ioredis";
import { isReplyError } from "./map-error.ts";

/** What goes out in the place of a command that nobody waits for any more. */
const PING = "*1\r\n$4\r\nPING\r\n";

/** A command of which is known whether the server may be carrying it out. Texts come back as bytes. */
export class TrackedCommand extends Command {
  #inFlight = false;
  #abandoned = false;

  constructor(name: string, values: readonly string[]) {
    super(name, [...values]);
  }

  /** It was sent, and no answer came. */
  get inFlight(): boolean {
    return this.#inFlight;
  }

  /** Called once a client has it: an answer that is an error ends the flight, also if the client then tries elsewhere. */
  watch(): void {
    const { reject } = this;
    this.reject = (error) => {
      if (isReplyError(error)) this.#inFlight = false;
      reject(error);
    };
  }

  /** Nobody waits for it any more: if it still waits in the client for a connection, it will never be carried out. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** What a client writes to its connection; it expects one answer for it. */
  override toWritable(socket: object): string | Buffer {
    if (this.#abandoned) return PING;
    const written = super.toWritable(socket);
    this.#inFlight = true;
    return written;
  }
}
