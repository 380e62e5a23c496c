import type {
  DriverCallOptions,
  DriverMessage,
  DriverMessages,
  MessagePush,
  MessageTake,
  PushAnswer,
  TakeAnswer,
} from "@mcp-task-store/core";
import type { Connection } from "./connection.ts";
import type { Keys } from "./keys.ts";
import { asArray, asNumber, asText } from "./reply.ts";
import { SCRIPTS } from "./scripts.ts";

/** Messages of tasks, beside theirs. */
export class RedisMessages implements DriverMessages {
  readonly #connection: Connection;
  readonly #keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async push(push: MessagePush, { signal }: DriverCallOptions = {}): Promise<PushAnswer> {
    const { message, open = false, maxSize, notAfterUs, bornByUs } = push;
    const { task, messages } = this.#keys.of(push.taskId);
    const values = [message.messageId, message.text, open ? "1" : "", String(maxSize), String(notAfterUs)];
    values.push(String(bornByUs ?? ""));
    const reply = await this.#connection.run(SCRIPTS.push, [task, messages], values, { doing: "writing", signal });
    const [kind, now] = asArray(reply);
    const name = asText(kind);
    switch (name) {
      case "pushed":
      case "refused":
      case "full":
      case "late":
        return { kind: name, nowUs: asNumber(now) };
      default:
        return { kind: "gone" };
    }
  }

  async take(take: MessageTake, { signal }: DriverCallOptions = {}): Promise<TakeAnswer> {
    const { receipt, limit, keepMs, notAfterUs, bornByUs } = take;
    const { task, messages } = this.#keys.of(take.taskId);
    const values = [receipt, String(limit ?? ""), String(keepMs), String(notAfterUs), String(bornByUs ?? "")];
    const reply = await this.#connection.run(SCRIPTS.take, [task, messages], values, { doing: "writing", signal });
    const [kind, now, handed] = asArray(reply);
    const name = asText(kind);
    if (name === "taken") return { kind: name, messages: messagesIn(handed), nowUs: asNumber(now) };
    return name === "spent" || name === "late" ? { kind: name, nowUs: asNumber(now) } : { kind: "gone" };
  }
}

/** A list of ids, each with its text. */
function messagesIn(reply: unknown): readonly DriverMessage[] {
  const values = asArray(reply);
  return values.flatMap((value, at) =>
    at % 2 === 0 ? [{ messageId: asText(value), text: asText(values[at + 1]) }] : [],
  );
}
