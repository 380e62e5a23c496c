import { isTaskStoreError } from "@mcp-task-store/core";
import { INTERNAL_ERROR, type JSONRPCMessage } from "@modelcontextprotocol/server";
import {
  type Acknowledgement,
  acknowledgementOf,
  closingResult,
  errorAnswer,
  type ServerInfo,
} from "./listen-messages.ts";
import type { TaskListen } from "./listen-request.ts";
import type { TaskSubscription } from "./task-subscription.ts";
import type { ListenServices } from "./task-subscriptions.ts";

export interface StdioSubscriptionOptions {
  readonly listen: TaskListen;
  readonly services: ListenServices;
  /** Writes to the client; resolves when there is room for more. */
  readonly send: (message: JSONRPCMessage) => Promise<void>;
  /** Who the server says it is, as far as it did yet. */
  readonly serverInfo: () => ServerInfo | undefined;
  /** Called when the client was told that the subscription is over, which the SDK does not know. */
  readonly onFinish: () => void;
}

/**
 * One subscription with tasks, on a connection that carries much else. The SDK was asked for the same without tasks;
 * what it says of it passes here.
 * @see X-43 … X-47
 */
export class StdioSubscription {
  readonly #options: StdioSubscriptionOptions;
  readonly #stop = new AbortController();
  #started: Promise<void> | undefined;
  #tasks: TaskSubscription | undefined;
  #forget: (() => void) | undefined;

  constructor(options: StdioSubscriptionOptions) {
    this.#options = options;
  }

  /** A notification of the SDK on this subscription, on its way to the client. */
  async pass(message: JSONRPCMessage): Promise<void> {
    if (this.#started === undefined) {
      const acknowledgement = acknowledgementOf(message);
      // Anything else is of an earlier subscription under the same id.
      if (acknowledgement !== undefined) this.#started = this.#start(acknowledgement);
      return;
    }
    // Nothing overtakes the acknowledgement.
    await this.#started;
    if (!this.#isOver) await this.#options.send(message);
  }

  /** Stops it and says nothing: the client gave it up, or is gone. Twice is harmless. */
  end(): void {
    this.#stop.abort();
    this.#tasks?.end();
    this.#forget?.();
  }

  get #isOver(): boolean {
    return this.#stop.signal.aborted;
  }

  async #start(acknowledgement: Acknowledgement): Promise<void> {
    const { listen, services, send } = this.#options;
    try {
      // Who may write to this process is who it was started for: there is no authentication.
      const tasks = await services.open(listen, undefined, this.#stop.signal);
      this.#tasks = tasks;
      this.#forget = services.track(() => this.#close());
      // What is sent first is written first, whether there is room or not.
      void this.#run(tasks, acknowledgement.honorsOthers, send(acknowledgement.withTaskIds(tasks.taskIds)));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The next notification is made when the last one has left: a client that does not read costs nothing. */
  async #run(tasks: TaskSubscription, honorsOthers: boolean, acknowledged: Promise<void>): Promise<void> {
    try {
      await acknowledged;
      for (;;) {
        const notification = await tasks.next();
        if (this.#isOver) return;
        if (notification === undefined) break;
        await this.#options.send(notification);
      }
      tasks.end();
      if (!honorsOthers) this.#close();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The server ends it gracefully. */
  #close(): void {
    this.#finish(closingResult(this.#options.listen.id, this.#options.serverInfo()));
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    if (isTaskStoreError(error, "CLOSED")) return this.#close();
    const answer = errorAnswer(this.#options.listen.id, error);
    if (answer.error.code === INTERNAL_ERROR) this.#options.services.onError(error);
    this.#finish(answer);
  }

  #finish(last: JSONRPCMessage): void {
    if (this.#isOver) return;
    this.end();
    this.#options.onFinish();
    this.#options.send(last).catch(this.#options.services.onError);
  }
}
