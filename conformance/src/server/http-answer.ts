import { CouldNotRun } from "../attempt.ts";
import { isError } from "../is-error.ts";
import { messagesOf } from "./sse.ts";
import { parsedMessage, type WireMessage } from "./wire-message.ts";

/** Of a task that there never was. */
export const NO_SUCH_ID = "no-such-task-3f6c1f5e-0d9a-4f57-9a53-2f3c0c1f8d11";

/** What came back for one POST. */
export interface HttpAnswer {
  readonly status: number;
  readonly isStream: boolean;
  /** The message with the request's id; undefined where none came. */
  readonly message: WireMessage | undefined;
}

/** Headers as they go out; null leaves one out. */
export type Headers = Readonly<Record<string, string | null>>;

/** @throws CouldNotRun no server is there, or it did not answer as long as the signal waits */
export async function send(
  url: string,
  init: RequestInit & { readonly headers: Record<string, string> },
): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw unanswered(error);
  }
}

/** Reads until the message with this id; others go to `aside`, in order. The rest of a stream is left. */
export async function readAnswer(
  response: Response,
  id: number | string,
  aside: (message: WireMessage) => void,
): Promise<HttpAnswer> {
  const { status } = response;
  const isStream = response.headers.get("content-type")?.includes("text/event-stream") === true;
  try {
    if (!isStream || response.body === null) {
      const message = parsedMessage(await response.text());
      return { status, isStream, message: message?.id === id || message?.error !== undefined ? message : undefined };
    }
    for await (const message of messagesOf(response.body)) {
      if (message.id === id && message.method === undefined) return { status, isStream, message };
      aside(message);
    }
    return { status, isStream, message: undefined };
  } catch (error) {
    throw unanswered(error);
  }
}

/** A server that is away, or too slow, broke no rule. */
function unanswered(error: unknown): CouldNotRun {
  if (isError(error) && error.name === "TimeoutError") {
    return new CouldNotRun("the server did not answer in time", { cause: error });
  }
  return new CouldNotRun("the server could not be reached", { cause: reasonIn(error) });
}

/** Of an error of fetch, which only says that it failed: why. Where a name has several addresses, of the first. */
function reasonIn(error: unknown): unknown {
  const cause = isError(error) ? (error.cause ?? error) : error;
  return cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause;
}

export function present(headers: Headers): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null));
}
