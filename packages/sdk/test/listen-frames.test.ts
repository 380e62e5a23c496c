import { describe, expect, it } from "vitest";
import { sseFrame, SseReader } from "../src/v2/sse-frames.ts";

function reader(bytes: Uint8Array, chunk: number): SseReader {
  let from = 0;
  return new SseReader(
    new ReadableStream({
      pull(controller) {
        if (from >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(from, from + chunk));
        from += chunk;
      },
    }),
  );
}

async function all(from: SseReader): Promise<readonly string[]> {
  const events: string[] = [];
  for (let event = await from.next(); event !== undefined; event = await from.next()) events.push(event);
  return events;
}

describe("events of a stream", () => {
  const text = `${sseFrame("one")}: a comment\n\n${sseFrame('{"é":"😀"}')}data: a\r\ndata:b\r\n\r\nid: 7\n\n${sseFrame("cut").trimEnd()}`;

  it.each([1, 2, 3, 7, 10_000])(
    "are the same in chunks of %i bytes; comments and what is cut off are none",
    async (chunk) => {
      expect(await all(reader(new TextEncoder().encode(text), chunk))).toEqual(["one", '{"é":"😀"}', "a\nb"]);
    },
  );

  it("end when the reader cancels, also while it waits", async () => {
    let cancelled = false;
    const silent = new SseReader(
      new ReadableStream({
        cancel() {
          cancelled = true;
        },
      }),
    );
    const waiting = silent.next();
    silent.cancel();
    expect(await waiting).toBeUndefined();
    expect(cancelled).toBe(true);
  });
});
