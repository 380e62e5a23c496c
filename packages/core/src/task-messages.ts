import type { JsonObject } from "./json.ts";
import type { CallOptions } from "./task-store.ts";

/** A message for the client of a task: a JSON-RPC message, and what kind it is. */
export interface QueuedMessage {
  readonly type: "request" | "notification" | "response" | "error";
  readonly message: JsonObject;
  /** Epoch ms. Kept for whoever made it; the order of messages does not depend on it. */
  readonly timestamp: number;
}

export interface PushOptions extends CallOptions {
  /** Names the message within its task; the same name again is the same message. 1 to 255 UTF-8 bytes, no control characters. */
  readonly messageId: string;
  /** How many messages of the task may wait, this one counted. @default 1_000, range 1 to 10,000 */
  readonly maxSize?: number | undefined;
}

export interface ShiftOptions extends CallOptions {
  /**
   * Names the hand-out within its task: a fresh one, such as a UUID, for each message wanted, and the same one to ask
   * again for what was lost on its way. 1 to 255 UTF-8 bytes, no control characters.
   */
  readonly receipt: string;
}

export interface DrainOptions extends CallOptions {
  /** As in {@link ShiftOptions}, for all the messages of one drain. @default one that nobody knows */
  readonly receipt?: string | undefined;
}

/**
 * Messages of a task to its client, in the order in which the backend took them, from any process to any other. For
 * trusted code. They belong to one task: expiry and deletion take them along, and a later task of the same id starts
 * with none.
 *
 * To serve a client until the task ends, without missing anything: read the task; `shift` until it gives nothing; if
 * the task was terminal, stop; else `waitForUpdate` with the revision that was read, and start again. A push moves the
 * revision, so a message that came in between ends the wait at once.
 *
 * All methods reject with `TaskStoreError`s: TASK_NOT_FOUND; INVALID_ARGUMENT before anything is sent; NOT_SUPPORTED
 * without the capability; the others as every call, see {@link ScopedTaskStore}. A lost answer is looked up by repeating
 * the call. After WRITE_OUTCOME_UNKNOWN that is safe too: with the same `messageId` or `receipt` it happens once.
 * @see S-26, S-39; rules messages/*
 */
export interface TaskMessageQueue {
  /**
   * Adds a message behind all others of an open task, and wakes whoever waits for the task: its revision moves, nothing
   * else of it does.
   *
   * Idempotent: an id that the task has had is not added again, whatever became of its message (waiting, handed out, the
   * task ended); the content of the first call stands. Ids are remembered as long as the task is there.
   * Atomic: whether there is room and the adding are one step. Of pushes that race for the last place one gets it.
   * Order: pushes of one process to one task are sent one after the other, in call order, and in order with its other
   * writes to the task. One round trip; two where the task has ended.
   * @throws TaskStoreError TASK_TERMINAL with the task as it stands: nobody would come for the message. What was pushed
   *   before the end stays until it is handed out. QUEUE_FULL: `maxSize` messages wait; PAYLOAD_TOO_LARGE
   * @see rules messages/fifo, messages/once, messages/bounded, messages/ended, messages/wakes
   */
  push(taskId: string, message: QueuedMessage, options: PushOptions): Promise<void>;

  /**
   * Hands the oldest message that waits to a receipt. undefined: none waits. Works on ended tasks too. One round trip.
   *
   * A message goes to one receipt, for good: no other is ever given it, also when its receiver dies before it could use
   * it. The same receipt is given the same message again, for an hour at least (by the backend's clock); after that the
   * content may be deleted, and the receipt is refused. A receipt that was given nothing stays unused.
   * Races: each of many receivers, in any processes, gets a message of its own.
   * @throws TaskStoreError INVALID_ARGUMENT for `options.receipt`: what it was given is not kept any more
   * @see rules messages/fifo, messages/once
   */
  shift(taskId: string, options: ShiftOptions): Promise<QueuedMessage | undefined>;

  /**
   * Hands all messages that wait to one receipt, oldest first, in one step: a message pushed meanwhile is in it or waits
   * behind it. Otherwise as {@link TaskMessageQueue.shift}. One round trip.
   * @see rule messages/drain
   */
  drain(taskId: string, options?: DrainOptions): Promise<readonly QueuedMessage[]>;
}
