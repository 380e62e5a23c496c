import { DUE, LOOK_AT_DUE, PEEK_DUE } from "./lua/due.ts";
import { INSERT } from "./lua/insert.ts";
import { KNOW_LAYOUT } from "./lua/layout.ts";
import { PUSH, TAKE } from "./lua/messages.ts";
import { PAGE_OF_OWNER, PAGE_OF_SHARDS } from "./lua/page.ts";
import { PLAN_ENTRY } from "./lua/plan-entry.ts";
import { READ } from "./lua/read.ts";
import { REMOVE } from "./lua/remove.ts";
import { WRITE } from "./lua/write.ts";
import { script } from "./script.ts";
import type { Script } from "./script.ts";

/** Everything that runs on a server. What each takes and answers stands with its text. */
export const SCRIPTS: Readonly<
  Record<
    | "due"
    | "insert"
    | "knowLayout"
    | "lookAtDue"
    | "pageOfOwner"
    | "pageOfShards"
    | "peekDue"
    | "planEntry"
    | "push"
    | "read"
    | "remove"
    | "take"
    | "write",
    Script
  >
> = {
  due: script(DUE),
  insert: script(INSERT),
  knowLayout: script(KNOW_LAYOUT),
  lookAtDue: script(LOOK_AT_DUE),
  pageOfOwner: script(PAGE_OF_OWNER),
  pageOfShards: script(PAGE_OF_SHARDS),
  peekDue: script(PEEK_DUE),
  planEntry: script(PLAN_ENTRY),
  push: script(PUSH),
  read: script(READ),
  remove: script(REMOVE),
  take: script(TAKE),
  write: script(WRITE),
};
