import type { MessagePush, MessageTake } from "@mcp-task-store/core";
import { AT, IS_VISIBLE, laterThan, NEXT_REVISION, READ_CLOCK } from "./clock.ts";
import { allOf, cond, firstOf, letIn, literal, plus, replaceRow, rowWith } from "./expressions.ts";
import type { Expression, Stage } from "./expressions.ts";
import { bornBy, IS_OPEN } from "./guards.ts";

/**
 * The messages of a task stand in its row, in four lists:
 * - `messages`: those that wait, oldest first, `{ id, text }`.
 * - `given`: what was handed out and is kept, `{ receipt, at, messages }`, `at` in epoch ms.
 * - `messageIds`: of every message there ever was. `spentReceipts`: those that were handed what is not kept any more.
 */
const LISTS = { messages: "$messages", given: "$given", messageIds: "$messageIds", spentReceipts: "$spentReceipts" };

/** What the lists may take up together, bytes of BSON. */
export const MAX_MESSAGES_BYTES: number = 7 * 1024 * 1024;

/** What handing a message out may add to the lists: a receipt, a list of its own, and their names. */
const HAND_OUT_BYTES = 400;

/** What a message takes up beside its text and its id, which is kept twice. */
const MESSAGE_FRAME_BYTES = 64;

/** What became of a push, in the row's `answer.kind`. "added": now; "pushed": before. "large": the lists have no room. */
export type PushKind = "gone" | "pushed" | "added" | "late" | "refused" | "full" | "large";

/** A push, as the update of one findAndModify. Equals `pushMessage` of core's message-queue.ts at `answer.at`. */
export function pushPipeline({ message, open, maxSize, notAfterUs, bornByUs }: MessagePush): readonly Stage[] {
  const id = literal(message.messageId);
  const kind = firstOf(
    [
      { case: isGone(bornByUs), then: "gone" },
      { case: { $in: [id, "$messageIds"] }, then: "pushed" },
      { case: laterThan(notAfterUs), then: "late" },
      ...(open === true ? [{ case: { $not: [IS_OPEN] }, then: "refused" }] : []),
      { case: { $gte: [{ $size: "$messages" }, maxSize] }, then: "full" },
      { case: { $gt: [bytesWith(message), MAX_MESSAGES_BYTES] }, then: "large" },
    ],
    "added",
  );
  const added = rowWith({
    revision: NEXT_REVISION,
    messages: { $concatArrays: ["$messages", [{ id, text: literal(message.text) }]] },
    messageIds: { $concatArrays: ["$messageIds", [id]] },
  });
  return [
    READ_CLOCK,
    { $set: { "answer.kind": kind } },
    replaceRow(cond({ $eq: ["$answer.kind", "added"] }, added, "$$ROOT")),
  ];
}

/** The lists with one message more, once everything that waits was handed out. */
function bytesWith({ messageId, text }: MessagePush["message"]): Expression {
  const bytes = Buffer.byteLength(text) + 2 * Buffer.byteLength(messageId) + MESSAGE_FRAME_BYTES + HAND_OUT_BYTES;
  return plus({ $bsonSize: LISTS }, { $multiply: [{ $size: "$messages" }, HAND_OUT_BYTES] }, bytes);
}

/** What became of a take, in the row's `answer.kind`. "new": the receipt had nothing before; "given": it had. */
export type TakeKind = "gone" | "given" | "spent" | "late" | "new";

/**
 * A take, as the update of one findAndModify. Equals `takeMessages` of core's message-queue.ts at `answer.at`. What the
 * receipt has stands under its name in `given` afterwards.
 */
export function takePipeline({ receipt, limit, keepMs, notAfterUs, bornByUs }: MessageTake): readonly Stage[] {
  const name = literal(receipt);
  const kind = firstOf(
    [
      { case: isGone(bornByUs), then: "gone" },
      { case: { $in: [name, { $map: { input: "$given", in: "$$this.receipt" } }] }, then: "given" },
      { case: { $in: [name, "$spentReceipts"] }, then: "spent" },
      { case: laterThan(notAfterUs), then: "late" },
    ],
    "new",
  );
  const until = { $subtract: [AT, keepMs] };
  const forgotten = { $filter: { input: "$given", cond: { $lte: ["$$this.at", until] } } };
  const kept = { $filter: { input: "$given", cond: { $gt: ["$$this.at", until] } } };
  const rest = { $slice: ["$messages", limit ?? 0, { $max: [1, { $size: "$messages" }] }] };
  const taken = letIn(
    { taken: limit === null ? "$messages" : { $slice: ["$messages", limit] }, kept },
    rowWith({
      messages: limit === null ? [] : rest,
      given: cond({ $eq: [{ $size: "$$taken" }, 0] }, "$$kept", {
        $concatArrays: ["$$kept", [{ receipt: name, at: AT, messages: "$$taken" }]],
      }),
      spentReceipts: { $concatArrays: ["$spentReceipts", { $map: { input: forgotten, in: "$$this.receipt" } }] },
    }),
  );
  return [
    READ_CLOCK,
    { $set: { "answer.kind": kind } },
    replaceRow(cond({ $eq: ["$answer.kind", "new"] }, taken, "$$ROOT")),
  ];
}

/** Whether the row is not there, or is that of a later task. */
function isGone(bornByUs: number | undefined): Expression {
  return { $not: [bornByUs === undefined ? IS_VISIBLE : allOf(IS_VISIBLE, bornBy(bornByUs))] };
}
