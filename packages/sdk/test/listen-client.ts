import type { JsonObject } from "@mcp-task-store/core";
import { asObject, listenRequest, type ListenParams } from "./listen-wire.ts";

export interface HttpListenOptions extends ListenParams {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default the request as JSON */
  readonly body?: string;
}

/** One answer to a listen request, read as it comes and only when asked. */
export class Listening {
  readonly response: Response;
  /** All lines that began with a colon. */
  readonly comments: string[] = [];
  readonly #stop: AbortController;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(response: Response, stop: AbortController) {
    this.response = response;
    this.#stop = stop;
    this.#reader = isStream(response) ? response.body?.getReader() : undefined;
  }

  /** The next message; undefined: the stream is over. */
  async next(): Promise<JsonObject | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end !== -1) {
        const frame = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const lines = frame.split("\n");
        this.comments.push(...lines.filter((line) => line.startsWith(":")));
        const data = lines.find((line) => line.startsWith("data: "));
        if (data !== undefined) return asObject(JSON.parse(data.slice("data: ".length)));
        continue;
      }
      const read = await this.#reader?.read();
      if (read?.value === undefined) return undefined;
      this.#text += this.#decoder.decode(read.value, { stream: true });
    }
  }

  /** Messages up to one that is so. @throws Error if the stream ends before */
  async until(holds: (message: JsonObject) => boolean): Promise<readonly JsonObject[]> {
    const seen: JsonObject[] = [];
    for (;;) {
      const message = await this.next();
      if (message === undefined) throw new Error(`the stream ended after ${JSON.stringify(seen)}`);
      seen.push(message);
      if (holds(message)) return seen;
    }
  }

  async rest(): Promise<readonly JsonObject[]> {
    const seen: JsonObject[] = [];
    for (let message = await this.next(); message !== undefined; message = await this.next()) seen.push(message);
    return seen;
  }

  async json(): Promise<JsonObject> {
    return asObject(await this.response.json());
  }

  abort(): void {
    this.#stop.abort();
  }
}

/** Sends a listen request over HTTP. */
export async function listenAt(
  url: string,
  { token, headers, body, ...params }: HttpListenOptions,
): Promise<Listening> {
  const stop = new AbortController();
  const response = await fetch(url, {
    method: "POST",
    signal: stop.signal,
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "subscriptions/listen",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: body ?? JSON.stringify(listenRequest(params)),
  });
  return new Listening(response, stop);
}

function isStream(response: Response): boolean {
  return response.headers.get("content-type") === "text/event-stream";
}
