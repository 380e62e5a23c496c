import { isTaskStoreError } from "@mcp-task-store/core";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { isJsonObject } from "../stored-call.ts";
import { answeredIdOf, errorAnswer } from "./listen-messages.ts";
import { KEEP_ALIVE_FRAME, sseFrame, type SseReader } from "./sse-frames.ts";
import type { TaskSubscription } from "./task-subscription.ts";

/** A longer delay makes setTimeout fire at once. */
const MAX_TIMEOUT_MS = 2_147_483_647;

export interface ListenStreamOptions {
  readonly id: RequestId;
  /** The first frame. */
  readonly acknowledgement: string;
  readonly tasks: TaskSubscription;
  /** What else the SDK delivers on this subscription, its acknowledgement taken off. */
  readonly others: SseReader | undefined;
  /** Makes the frame of the graceful end. */
  readonly closing: () => Promise<string>;
  /** Fires when the client is gone. */
  readonly signal: AbortSignal;
  /** Silence after which a comment is sent, ms; 0: none. */
  readonly keepAliveMs: number;
  readonly onError: (error: unknown) => void;
  /** Takes what ends the stream gracefully; returns what forgets it. */
  readonly track: (close: () => void) => () => void;
}

/**
 * The body of one answer: tasks and what the SDK delivers, merged. Each frame is made when the reader asks for one, so
 * a reader that does not read costs one unread state a task and one of each of the SDK's notifications.
 * @see X-43 … X-47
 */
export class ListenStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: ListenStreamOptions;
  readonly #encoder = new TextEncoder();
  /** Frames that were not asked for yet, in order. The SDK's say only that something changed: equal ones are one. */
  readonly #unread: Set<string>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly #forget: () => void;
  readonly #onAbort = (): void => this.#abandon();
  #asking = false;
  #tasksAreOver = false;
  #wake: (() => void) | undefined;
  /** What goes out when all else has; undefined: nothing does. */
  #last: Promise<string | undefined> | undefined;
  #lastIsOut = false;

  constructor(options: ListenStreamOptions) {
    this.#options = options;
    this.#unread = new Set([options.acknowledgement]);
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: async (controller) => await this.#pull(controller),
        cancel: () => this.#abandon(),
      },
      { highWaterMark: 0 },
    );
    this.#forget = options.track(() => this.close());
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal.aborted) this.#abandon();
    else if (options.others !== undefined) void this.#forward(options.others);
  }

  /** The server ends it: what is unread goes out first, then the result. */
  close(): void {
    if (this.#last === undefined) this.#finish(this.#options.closing());
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const frame = await this.#next();
    if (this.#controller === undefined) return;
    if (frame !== undefined) controller.enqueue(this.#encoder.encode(frame));
    if (this.#lastIsOut) this.#abandon();
  }

  async #next(): Promise<string | undefined> {
    for (;;) {
      const [frame] = this.#unread;
      if (frame !== undefined) {
        this.#unread.delete(frame);
        return frame;
      }
      if (this.#last !== undefined) {
        this.#lastIsOut = true;
        return await this.#last;
      }
      void this.#ask();
      if (!(await this.#news())) return KEEP_ALIVE_FRAME;
    }
  }

  /** Asks for the next state of a task, only ever for a reader that waits for it. */
  async #ask(): Promise<void> {
    if (this.#asking || this.#tasksAreOver) return;
    this.#asking = true;
    try {
      const notification = await this.#options.tasks.next();
      if (this.#last !== undefined) return;
      if (notification !== undefined) return this.#add(frameOf(notification));
      this.#tasksAreOver = true;
      this.#options.tasks.end();
      if (this.#options.others === undefined) this.close();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#asking = false;
    }
  }

  /** Reads at once whatever the SDK sends: it would keep all of it until somebody does. */
  async #forward(others: SseReader): Promise<void> {
    try {
      for (;;) {
        const data = await others.next();
        if (this.#last !== undefined) return;
        // Without a result the SDK gave the subscription up.
        if (data === undefined) return this.#finish(undefined);
        const message: unknown = JSON.parse(data);
        if (isJsonObject(message) && answeredIdOf(message) !== undefined) {
          return this.#finish(sseFrame(data));
        }
        this.#add(sseFrame(data));
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #add(frame: string): void {
    this.#unread.add(frame);
    this.#wake?.();
  }

  /** false: nothing happened for so long that the reader should be told that the server lives. */
  async #news(): Promise<boolean> {
    const { keepAliveMs } = this.#options;
    return await new Promise((resolve) => {
      const settle = (hasNews: boolean): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(hasNews);
      };
      const delayMs = Math.min(keepAliveMs, MAX_TIMEOUT_MS);
      const timer = keepAliveMs > 0 ? setTimeout(() => settle(false), delayMs) : undefined;
      this.#wake = () => settle(true);
    });
  }

  /** The store cannot go on. At its close the process ends, which is no failure. */
  #fail(error: unknown): void {
    if (this.#last !== undefined) return;
    if (isTaskStoreError(error, "CLOSED")) return this.close();
    this.#options.onError(error);
    this.#finish(frameOf(errorAnswer(this.#options.id, error)));
  }

  /** Nothing is followed any longer; what is unread and `last` are for the reader to take. */
  #finish(last: Promise<string> | string | undefined): void {
    if (this.#last !== undefined) return;
    this.#last = Promise.resolve(last).catch((error: unknown) => {
      this.#options.onError(error);
      return undefined;
    });
    this.#options.tasks.end();
    this.#options.others?.cancel();
    this.#forget();
    this.#wake?.();
  }

  /** The reader is gone, or has everything. */
  #abandon(): void {
    this.#unread.clear();
    this.#finish(undefined);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    const controller = this.#controller;
    this.#controller = undefined;
    try {
      controller?.close();
    } catch {
      // The reader closed it.
    }
  }
}

export function frameOf(message: JSONRPCMessage): string {
  return sseFrame(JSON.stringify(message));
}
