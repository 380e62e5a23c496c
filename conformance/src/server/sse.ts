import { parsedMessage, type WireMessage } from "./wire-message.ts";

/** The messages of a server-sent-event stream. Comments and what is no message are left out. @throws what broke it */
export async function* messagesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<WireMessage, void> {
  let buffered = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    buffered += chunk;
    const events = buffered.split(/\r?\n\r?\n/);
    buffered = events.pop() ?? "";
    for (const event of events) {
      const data = event
        .split(/\r?\n/)
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice("data:".length).replace(/^ /, ""))
        .join("\n");
      const message = parsedMessage(data);
      if (message !== undefined) yield message;
    }
  }
}
