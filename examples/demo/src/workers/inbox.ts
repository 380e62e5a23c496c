import { within } from "../within.ts";
import type { FromWorker, MessageOf } from "./messages.ts";

/** A message and when it came in, by this process's monotonic clock, ms. */
export type Received<M extends FromWorker = FromWorker> = M & { readonly atMs: number };

interface Waiting {
  readonly take: (received: Received) => void;
  readonly fail: (error: Error) => void;
}

/** What a worker said. It keeps everything, so that one can ask for what has come already. */
export class Inbox {
  readonly #received: Received[] = [];
  readonly #waiting = new Set<Waiting>();
  #ended: Error | undefined;

  receive(message: FromWorker): void {
    const received = { ...message, atMs: performance.now() };
    this.#received.push(received);
    for (const { take } of this.#waiting) take(received);
  }

  /** No more will come: who waits fails. */
  end(error: Error): void {
    this.#ended ??= error;
    for (const { fail } of this.#waiting) fail(error);
  }

  /**
   * The first message of this type about this task, now or as soon as it comes.
   * @param taskId undefined for messages about no task
   */
  async first<T extends FromWorker["type"]>(
    type: T,
    taskId: string | undefined,
    { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<Received<MessageOf<T>>> {
    const isIt = (received: Received): received is Received<MessageOf<T>> =>
      received.type === type && ("taskId" in received ? received.taskId : undefined) === taskId;
    const known = this.#received.find(isIt);
    if (known !== undefined) return known;
    if (this.#ended !== undefined) throw this.#ended;

    let waiting: Waiting | undefined;
    const coming = new Promise<Received<MessageOf<T>>>((resolve, fail) => {
      const take = (received: Received): void => {
        if (isIt(received)) resolve(received);
      };
      waiting = { take, fail };
      this.#waiting.add(waiting);
    });
    try {
      return await within(deadlineMs, `a worker's message "${type}"`, signal, coming);
    } finally {
      if (waiting !== undefined) this.#waiting.delete(waiting);
    }
  }
}
