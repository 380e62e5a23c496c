/** One event as the SDK writes it. */
export function sseFrame(data: string): string {
  return `event: message\ndata: ${data}\n\n`;
}

/** A comment: it keeps proxies from closing a stream on which nothing happens. */
export const KEEP_ALIVE_FRAME = ": keepalive\n\n";

/** Reads the data of each event of a stream; comments are left out. */
export class SseReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #events: string[] = [];
  #rest = "";

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /** undefined: the stream is over, or was cancelled. One call at a time. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      const blocks = (this.#rest + this.#decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      this.#rest = blocks.pop() ?? "";
      this.#events.push(...blocks.map(dataOf).filter((data) => data !== ""));
    }
  }

  /** Ends the stream at its source, also while `next()` waits. */
  cancel(): void {
    // A source that fails at its end is nobody's concern any more.
    this.#reader.cancel().catch(() => undefined);
  }
}

function dataOf(block: string): string {
  const lines = block.split(/\r?\n/).filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice("data:".length).replace(/^ /, "")).join("\n");
}
