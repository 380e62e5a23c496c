import type { QueuedMessage } from "@mcp-task-store/core";

/** The messages of one task, which go with it. Hand-outs are kept as long, which is longer than the hour they must be. */
export class TaskMessages {
  readonly #ids = new Set<string>();
  readonly #waiting: QueuedMessage[] = [];
  readonly #handedOut = new Map<string, readonly QueuedMessage[]>();

  has(messageId: string): boolean {
    return this.#ids.has(messageId);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(messageId: string, message: QueuedMessage): void {
    this.#ids.add(messageId);
    this.#waiting.push(message);
  }

  /** What the receipt was given before; else the oldest that wait. A receipt that is given nothing stays unused; without one, nobody can ask again. */
  handOut(receipt: string | undefined, limit: number): readonly QueuedMessage[] {
    const before = receipt === undefined ? undefined : this.#handedOut.get(receipt);
    if (before !== undefined) return before;
    const messages = Object.freeze(this.#waiting.splice(0, limit));
    if (receipt !== undefined && messages.length > 0) this.#handedOut.set(receipt, messages);
    return messages;
  }
}
