import { DUE, LOOK_AT_DUE, PEEK_DUE } from "./lua/due.ts";
import { INSERT } from "./lua/insert.ts";
import { KNOW_LAYOUT } from "./lua/layout.ts";
import { BIRTHS, NEXT_LISTED, PLAN_ENTRY, UNLIST } from "./lua/listed.ts";
import { PUSH, TAKE } from "./lua/messages.ts";
import { PAGE_OF_OWNER, PAGE_OF_SHARDS } from "./lua/page.ts";
import { READ } from "./lua/read.ts";
import { REMOVE } from "./lua/remove.ts";
import { RIGHTS } from "./lua/rights.ts";
import { WRITE } from "./lua/write.ts";
import { script } from "./script.ts";
import type { Script } from "./script.ts";

/** Everything that runs on a server. What each takes and answers stands with its text. */
export const SCRIPTS: Readonly<
  Record<
    | "births"
    | "due"
    | "insert"
    | "knowLayout"
    | "lookAtDue"
    | "nextListed"
    | "pageOfOwner"
    | "pageOfShards"
    | "peekDue"
    | "planEntry"
    | "push"
    | "read"
    | "remove"
    | "rights"
    | "take"
    | "unlist"
    | "write",
    Script
  >
> = {
  births: script(BIRTHS),
  due: script(DUE),
  insert: script(INSERT),
  knowLayout: script(KNOW_LAYOUT),
  lookAtDue: script(LOOK_AT_DUE),
  nextListed: script(NEXT_LISTED),
  pageOfOwner: script(PAGE_OF_OWNER),
  pageOfShards: script(PAGE_OF_SHARDS),
  peekDue: script(PEEK_DUE),
  planEntry: script(PLAN_ENTRY),
  push: script(PUSH),
  read: script(READ),
  remove: script(REMOVE),
  rights: script(RIGHTS),
  take: script(TAKE),
  unlist: script(UNLIST),
  write: script(WRITE),
};
