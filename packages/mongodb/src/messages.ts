import { TaskStoreError } from "@mcp-task-store/core";
import type {
  DriverCallOptions,
  DriverMessage,
  DriverMessages,
  MessagePush,
  MessageTake,
  PushAnswer,
  TakeAnswer,
} from "@mcp-task-store/core";
import { toUs } from "./pipelines/clock.ts";
import type { Stage } from "./pipelines/expressions.ts";
import { pushPipeline, takePipeline } from "./pipelines/messages.ts";
import type { PushKind, TakeKind } from "./pipelines/messages.ts";
import { checkPayload } from "./payload-limit.ts";
import type { RowAnswer } from "./row.ts";

/** What was handed to a receipt, as the row keeps it. */
interface GivenRow {
  readonly messages: readonly { readonly id: string; readonly text: string }[];
}

/** Changes the visible row of a push or a take by a pipeline. */
export type ChangeRow = <Row>(
  of: MessagePush | MessageTake,
  pipeline: readonly Stage[],
  fields: Readonly<Record<string, unknown>>,
  options: DriverCallOptions,
) => Promise<Row | null>;

/** Messages of tasks, in their own rows. */
export class MongoMessages implements DriverMessages {
  readonly #change: ChangeRow;

  constructor(change: ChangeRow) {
    this.#change = change;
  }

  async push(push: MessagePush, options: DriverCallOptions = {}): Promise<PushAnswer> {
    checkPayload(push.message.text, "message");
    const row = await this.#change<RowAnswer<PushKind>>(push, pushPipeline(push), { answer: 1 }, options);
    if (row === null || row.answer.kind === "gone") return { kind: "gone" };
    const { at, kind } = row.answer;
    if (kind === "large") {
      throw new TaskStoreError("PAYLOAD_TOO_LARGE", "message is too large beside what the task's messages take up", {
        argument: "message",
      });
    }
    return { kind: kind === "added" ? "pushed" : kind, nowUs: toUs(at) };
  }

  async take(take: MessageTake, options: DriverCallOptions = {}): Promise<TakeAnswer> {
    const fields = { answer: 1, given: { $elemMatch: { receipt: { $eq: take.receipt } } } };
    const row = await this.#change<RowAnswer<TakeKind> & { readonly given?: readonly GivenRow[] }>(
      take,
      takePipeline(take),
      fields,
      options,
    );
    if (row === null || row.answer.kind === "gone") return { kind: "gone" };
    const { at, kind } = row.answer;
    if (kind === "spent" || kind === "late") return { kind, nowUs: toUs(at) };
    const messages = row.given?.[0]?.messages ?? [];
    return {
      kind: "taken",
      messages: messages.map(({ id, text }): DriverMessage => ({ messageId: id, text })),
      nowUs: toUs(at),
    };
  }
}
