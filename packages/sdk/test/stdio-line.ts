import type { Readable, Writable } from "node:stream";
import type { JsonObject } from "@mcp-task-store/core";
import { asObject } from "./listen-wire.ts";

/** The client's end of a stdio connection: JSON, a message a line. */
export class StdioLine {
  readonly #write: Writable;
  readonly #chunks: AsyncIterator<unknown>;
  #text = "";

  constructor(read: Readable, write: Writable) {
    this.#chunks = read.setEncoding("utf8")[Symbol.asyncIterator]();
    this.#write = write;
  }

  send(message: JsonObject): void {
    this.#write.write(`${JSON.stringify(message)}\n`);
  }

  /** undefined: the server closed its end. */
  async next(): Promise<JsonObject | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end !== -1) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return asObject(JSON.parse(line));
      }
      const chunk = await this.#chunks.next();
      if (chunk.done === true) return undefined;
      this.#text += String(chunk.value);
    }
  }

  /** Messages up to one that is so. @throws Error if the server closes its end before */
  async until(holds: (message: JsonObject) => boolean): Promise<readonly JsonObject[]> {
    const seen: JsonObject[] = [];
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error(`the server closed after ${JSON.stringify(seen)}`);
      seen.push(message);
      if (holds(message)) return seen;
    }
  }
}
