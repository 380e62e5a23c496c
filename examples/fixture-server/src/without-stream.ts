/** The SDK answers every request with an event stream; this makes plain JSON of one with a single message. */
export async function withoutStream(response: Response): Promise<Response> {
  if (response.headers.get("content-type")?.includes("text/event-stream") !== true) return response;
  const text = await response.text();
  const messages = text
    .split(/\r?\n\r?\n/)
    .map((event) => /^data: ?(.+)$/m.exec(event)?.[1])
    .filter((data) => data !== undefined);
  const { status } = response;
  const headers = new Headers(response.headers);
  const [message] = messages;
  if (messages.length !== 1 || message === undefined) return new Response(text, { status, headers });
  headers.set("content-type", "application/json");
  return new Response(message, { status, headers });
}
