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
import type { Statements } from "./statements.ts";

type PushRow =
  | { readonly answer: "pushed" | "late" | "refused" | "full"; readonly now_us: number }
  | { readonly answer: "gone"; readonly now_us: null };

type TakeRow =
  | { readonly answer: "gone"; readonly now_us: null }
  | { readonly answer: "spent" | "late"; readonly now_us: number }
  | { readonly answer: "taken"; readonly now_us: number; readonly message_id: string; readonly message: string }
  | { readonly answer: "taken"; readonly now_us: number; readonly message_id: null };

/** Messages of tasks, in a table beside theirs. */
export class PostgresMessages implements DriverMessages {
  readonly #connection: Connection;
  readonly #statements: Statements;

  constructor(connection: Connection, statements: Statements) {
    this.#connection = connection;
    this.#statements = statements;
  }

  async push(push: MessagePush, { signal }: DriverCallOptions = {}): Promise<PushAnswer> {
    const { taskId, message, open = false, maxSize, notAfterUs, bornByUs = null } = push;
    const values = [taskId, message.messageId, message.text, open, maxSize, notAfterUs, bornByUs];
    const [row] = await this.#connection.run<PushRow>(this.#statements.pushMessage, values, {
      doing: "writing",
      signal,
    });
    if (row === undefined || row.answer === "gone") return { kind: "gone" };
    return { kind: row.answer, nowUs: row.now_us };
  }

  async take(take: MessageTake, { signal }: DriverCallOptions = {}): Promise<TakeAnswer> {
    const { taskId, receipt, limit, keepMs, notAfterUs, bornByUs = null } = take;
    const values = [taskId, receipt, limit, keepMs, notAfterUs, bornByUs];
    const rows = await this.#connection.run<TakeRow>(this.#statements.takeMessages, values, {
      doing: "writing",
      signal,
    });
    const [first] = rows;
    if (first === undefined || first.answer === "gone") return { kind: "gone" };
    if (first.answer !== "taken") return { kind: first.answer, nowUs: first.now_us };
    return { kind: "taken", messages: rows.flatMap(messageIn), nowUs: first.now_us };
  }
}

function messageIn(row: TakeRow): readonly DriverMessage[] {
  return row.answer === "taken" && row.message_id !== null ? [{ messageId: row.message_id, text: row.message }] : [];
}
