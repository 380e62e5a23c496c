import { statement } from "./statement.ts";
import type { Statement } from "./statement.ts";
import { dueStatement } from "./sql/due.ts";
import { insertStatement } from "./sql/insert.ts";
import type { Names } from "./sql/names.ts";
import { notifyStatement } from "./sql/notify.ts";
import { pageStatement } from "./sql/page.ts";
import type { PageScope } from "./sql/page.ts";
import { pushMessageStatement } from "./sql/push-message.ts";
import { readStatement } from "./sql/read.ts";
import { removeStatement } from "./sql/remove.ts";
import { takeMessagesStatement } from "./sql/take-messages.ts";
import { writeStatement } from "./sql/write.ts";

/** Every statement of a driver, made once. */
export interface Statements {
  readonly insert: Statement;
  readonly write: Statement;
  readonly remove: Statement;
  readonly due: Statement;
  readonly notify: Statement;
  readonly pushMessage: Statement;
  readonly takeMessages: Statement;
  readonly page: Readonly<Record<PageScope, Statement>>;
  /** By what is read besides the task. */
  readonly read: Readonly<Record<ReadPayloads, Statement>>;
}

export type ReadPayloads = "none" | "request" | "outcome" | "both";

export function makeStatements(names: Names, prepare: boolean): Statements {
  const make = (what: string, text: string): Statement => statement(text, prepare, what);
  return {
    insert: make("insert", insertStatement(names)),
    write: make("write", writeStatement(names)),
    remove: make("remove", removeStatement(names)),
    due: make("due", dueStatement(names)),
    notify: make("notify", notifyStatement),
    pushMessage: make("push", pushMessageStatement(names)),
    takeMessages: make("take", takeMessagesStatement(names)),
    page: {
      any: make("page", pageStatement(names, "any")),
      owned: make("page", pageStatement(names, "owned")),
      unowned: make("page", pageStatement(names, "unowned")),
    },
    read: {
      none: make("read", readStatement(names, [])),
      request: make("read", readStatement(names, ["request"])),
      outcome: make("read", readStatement(names, ["outcome"])),
      both: make("read", readStatement(names, ["request", "outcome"])),
    },
  };
}
