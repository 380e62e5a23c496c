/**
 * What a push and a take of messages mean, as plain data: memory keeps its messages in this, and every other driver must
 * equal it at the clock reading it returns. Nothing here reads a clock or waits.
 */
import type { DriverMessage, MessagePush, MessageTake, PushAnswer, TakeAnswer } from "./task-driver.ts";
import { isTerminal } from "./task.ts";
import type { TaskRecord } from "./task-record.ts";
import { isVisible, toMs } from "./transitions.ts";

/** Something was handed to a receipt at once. */
interface HandedOut {
  readonly atMs: number;
  /** undefined: not kept any more. */
  messages: readonly DriverMessage[] | undefined;
}

/** A queue as plain data, for drivers that store it whole. */
export interface MessageQueueState {
  /** Ids of every message there ever was. */
  readonly ids: readonly string[];
  /** In the order of their pushes. */
  readonly waiting: readonly DriverMessage[];
  /** In the order of the takes; messages null: not kept any more. */
  readonly handedOut: readonly {
    readonly receipt: string;
    readonly atMs: number;
    readonly messages: readonly DriverMessage[] | null;
  }[];
}

/** The messages of one row, from its creation to its end. */
export class MessageQueue {
  /** Of every message there ever was. */
  readonly #ids = new Set<string>();
  /** In the order of their pushes. */
  readonly #waiting = new Set<DriverMessage>();
  readonly #handedOut = new Map<string, HandedOut>();
  /** Of those the ones that are kept, in the order of the takes. */
  readonly #kept = new Set<HandedOut>();

  /** @param state of a queue before; without one it is empty */
  constructor(state: MessageQueueState = { ids: [], waiting: [], handedOut: [] }) {
    for (const id of state.ids) this.#ids.add(id);
    for (const message of state.waiting) this.#waiting.add(message);
    for (const { receipt, atMs, messages } of state.handedOut) {
      const handedOut: HandedOut = { atMs, messages: messages ?? undefined };
      this.#handedOut.set(receipt, handedOut);
      if (messages !== null) this.#kept.add(handedOut);
    }
  }

  /** What another queue can be made of that goes on as this one would. */
  get state(): MessageQueueState {
    const handedOut = [...this.#handedOut].map(([receipt, { atMs, messages = null }]) => ({ receipt, atMs, messages }));
    return { ids: [...this.#ids], waiting: [...this.#waiting], handedOut };
  }

  /** How many messages wait. */
  get size(): number {
    return this.#waiting.size;
  }

  has(messageId: string): boolean {
    return this.#ids.has(messageId);
  }

  /** Adds a message whose id is new. */
  add(message: DriverMessage): void {
    this.#ids.add(message.messageId);
    this.#waiting.add(message);
  }

  /** What a receipt was handed; "spent": that is not kept any more; undefined: nothing yet. */
  handedTo(receipt: string): readonly DriverMessage[] | "spent" | undefined {
    const found = this.#handedOut.get(receipt);
    return found && (found.messages ?? "spent");
  }

  /** Hands the oldest messages to a receipt that has none. */
  handOut(receipt: string, limit: number | null, nowMs: number): readonly DriverMessage[] {
    const messages: DriverMessage[] = [];
    for (const message of this.#waiting) {
      if (limit !== null && messages.length >= limit) break;
      this.#waiting.delete(message);
      messages.push(message);
    }
    if (messages.length === 0) return messages;
    const handedOut: HandedOut = { atMs: nowMs, messages };
    this.#handedOut.set(receipt, handedOut);
    this.#kept.add(handedOut);
    return messages;
  }

  /** Forgets the texts that were handed out until then. */
  forget(untilMs: number): void {
    for (const handedOut of this.#kept) {
      if (handedOut.atMs > untilMs) break;
      handedOut.messages = undefined;
      this.#kept.delete(handedOut);
    }
  }
}

/** Whether a call on messages finds this row: it is visible, and no later task of the same id. */
function isMeant(row: TaskRecord, { bornByUs }: Pick<MessagePush, "bornByUs">, nowUs: number): boolean {
  return isVisible(row, nowUs) && (bornByUs === undefined || row.createdAt <= toMs(bornByUs));
}

/**
 * Carries out a push on a row and its messages.
 * @returns the answer, and the row to be stored in place of the old one if the message is new
 */
export function pushMessage(
  row: TaskRecord | undefined,
  queue: MessageQueue,
  push: MessagePush,
  nowUs: number,
): { readonly answer: PushAnswer; readonly row?: TaskRecord } {
  if (row === undefined || !isMeant(row, push, nowUs)) return { answer: { kind: "gone" } };
  if (queue.has(push.message.messageId)) return { answer: { kind: "pushed", nowUs } };
  if (nowUs > push.notAfterUs) return { answer: { kind: "late", nowUs } };
  if (push.open === true && isTerminal(row.status)) return { answer: { kind: "refused", nowUs } };
  if (queue.size >= push.maxSize) return { answer: { kind: "full", nowUs } };
  queue.add(push.message);
  return { answer: { kind: "pushed", nowUs }, row: { ...row, revision: Math.max(row.revision + 1, nowUs) } };
}

/** Carries out a take on a row's messages. */
export function takeMessages(
  row: TaskRecord | undefined,
  queue: MessageQueue,
  take: MessageTake,
  nowUs: number,
): TakeAnswer {
  if (row === undefined || !isMeant(row, take, nowUs)) return { kind: "gone" };
  const before = queue.handedTo(take.receipt);
  if (before === "spent") return { kind: "spent", nowUs };
  if (before !== undefined) return { kind: "taken", messages: before, nowUs };
  if (nowUs > take.notAfterUs) return { kind: "late", nowUs };
  queue.forget(toMs(nowUs) - take.keepMs);
  return { kind: "taken", messages: queue.handOut(take.receipt, take.limit, toMs(nowUs)), nowUs };
}
