import type { JsonObject } from "@mcp-task-store/core";
import {
  INTERNAL_ERROR,
  isJsonContentType,
  type McpHandlerRequestOptions,
  readRequestBody,
} from "@modelcontextprotocol/server";
import { MISSING_CLIENT_CAPABILITY } from "../tool-error.ts";
import { type Acknowledgement, acknowledgementOf, closingResult, errorAnswer } from "./listen-messages.ts";
import { LISTEN_METHOD, type TaskListen, taskListenOf } from "./listen-request.ts";
import { frameOf, ListenStream } from "./listen-stream.ts";
import { SseReader, sseFrame } from "./sse-frames.ts";
import type { ListenServices } from "./task-subscriptions.ts";
import type { TaskSubscription } from "./task-subscription.ts";

/** `fetch` of the SDK's `createMcpHandler`. */
export type McpFetch = (request: Request, options?: McpHandlerRequestOptions) => Promise<Response>;

/** Asks the SDK for a subscription to these of its own kinds, with all else as the client sent it. */
type Ask = (notifications: JsonObject) => Promise<Response>;

/**
 * `fetch` with tasks on `subscriptions/listen`. The SDK sees every request, this one without `taskIds`, and answers what
 * is wrong with it: media type, size, headers, envelope, version, other filters. Its acknowledgement is completed, and
 * its stream merged with that of the tasks.
 * @see X-43 … X-47
 */
export function listenOverHttp(fetch: McpFetch, services: ListenServices): McpFetch {
  return async (request, options) => {
    const listen = await taskListenIn(request, options);
    if (listen === undefined) return await fetch(request, options);
    const ask: Ask = async (notifications) =>
      await fetch(request, { ...options, parsedBody: listen.withNotifications(notifications) });
    const response = await ask(listen.otherNotifications);
    if (response.body === null || !isEventStream(response)) return response;
    const reader = new SseReader(response.body);
    try {
      const acknowledgement = acknowledgementOf(parsed(await reader.next()));
      if (acknowledgement === undefined) throw new Error("The SDK's stream of a subscription began without its ack.");
      const tasks = await services.open(listen, options?.authInfo, request.signal);
      const body = mergedBody(request.signal, { listen, ask, acknowledgement, tasks, reader, services });
      return new Response(body, { status: response.status, headers: response.headers });
    } catch (error) {
      reader.cancel();
      return refusal(listen, error, request.signal.aborted ? () => undefined : services.onError);
    }
  };
}

/** undefined: not ours to answer. The request itself stays unread. */
async function taskListenIn(request: Request, options?: McpHandlerRequestOptions): Promise<TaskListen | undefined> {
  // A body that disagrees with its header is refused by the SDK, so no other request needs to be looked into.
  if (request.method !== "POST" || request.headers.get("mcp-method") !== LISTEN_METHOD) return undefined;
  if (!isJsonContentType(request.headers.get("content-type"))) return undefined;
  if (options?.parsedBody !== undefined) return taskListenOf(options.parsedBody);
  try {
    const copy = request.clone();
    const read = await readRequestBody(copy);
    if (!read.tooLarge) return taskListenOf(parsed(read.text));
    // Else the copy would take along what the SDK reads of the original.
    await copy.body?.cancel();
  } catch {
    // The SDK meets the same, and says what it is.
  }
  return undefined;
}

interface Granted {
  readonly listen: TaskListen;
  readonly ask: Ask;
  readonly acknowledgement: Acknowledgement;
  readonly tasks: TaskSubscription;
  readonly reader: SseReader;
  readonly services: ListenServices;
}

function mergedBody(
  signal: AbortSignal,
  { listen, ask, acknowledgement, tasks, reader, services }: Granted,
): ReadableStream<Uint8Array> {
  const { keepAliveMs, onError, track } = services;
  const { honorsOthers } = acknowledgement;
  const { body } = new ListenStream({
    id: listen.id,
    acknowledgement: frameOf(acknowledgement.withTaskIds(tasks.taskIds)),
    tasks,
    others: honorsOthers ? reader : undefined,
    closing: async () => await closingFrame(listen, honorsOthers ? () => resultOfNothing(ask) : () => reader.next()),
    signal,
    keepAliveMs,
    onError,
    track,
  });
  return body;
}

/** The graceful end as the SDK says it: only there is known how the server calls itself. */
async function closingFrame(listen: TaskListen, resultOf: () => Promise<string | undefined>): Promise<string> {
  try {
    const result = await resultOf();
    if (result !== undefined) return sseFrame(result);
  } catch {
    // The SDK's handler was closed before ours.
  }
  return frameOf(closingResult(listen.id, undefined));
}

/** The SDK ends a subscription to nothing at once, after its acknowledgement. */
async function resultOfNothing(ask: Ask): Promise<string | undefined> {
  const { body } = await ask({});
  const reader = body === null ? undefined : new SseReader(body);
  await reader?.next();
  return await reader?.next();
}

/** An error as the SDK answers it: in band, but for a missing capability. */
function refusal(listen: TaskListen, thrown: unknown, onError: (error: unknown) => void): Response {
  const answer = errorAnswer(listen.id, thrown);
  const { code } = answer.error;
  if (code === INTERNAL_ERROR) onError(thrown);
  return Response.json(answer, { status: code === MISSING_CLIENT_CAPABILITY ? 400 : 200 });
}

function isEventStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") === true;
}

function parsed(text: string | undefined): unknown {
  return text === undefined || text === "" ? undefined : JSON.parse(text);
}
