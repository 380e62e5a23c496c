import { RELATED_TASK } from "../session.ts";
import { textIn } from "../wire-message.ts";
import { defineServerMutant, onResult, onSaid, type ServerMutant, without } from "./server-mutant.ts";
import type { Exchange } from "./tampering-proxy.ts";

const PROGRESS = "notifications/progress";
const STATUS = "notifications/tasks/status";

function sessionOf({ headers }: Exchange): string {
  return headers["mcp-session-id"] ?? "";
}

export const sessionConversation: readonly ServerMutant[] = [
  defineServerMutant({
    name: "s-ask-unrelated",
    fault: "A question does not name its task.",
    killedBy: ["s/asks"],
    tamper: onSaid("elicitation/create", (asked) => {
      const params = without(asked.params, "_meta");
      return params && [{ ...asked, params }];
    }),
  }),
  defineServerMutant({
    name: "s-asks-working",
    fault: "A task that asks is shown as working.",
    killedBy: ["s/input-required"],
    tamper: onResult(["tasks/get"], (task) =>
      task["status"] === "input_required" ? { ...task, status: "working" } : undefined,
    ),
  }),
  defineServerMutant({
    name: "s-stays-asking",
    fault: "A task that asked once is input_required for ever.",
    killedBy: ["s/input-required"],
    tamper: (fired) => {
      const asked = new Set<unknown>();
      const { message } = onResult(["tasks/get"], (task) => {
        if (task["status"] === "input_required") asked.add(task["taskId"]);
        else if (asked.has(task["taskId"])) return { ...task, status: "input_required" };
        return undefined;
      })(fired);
      return message === undefined ? {} : { message };
    },
  }),
  defineServerMutant({
    name: "s-progress-unrelated",
    fault: "Progress does not name its task.",
    killedBy: ["s/progress"],
    tamper: onSaid(PROGRESS, (report) => {
      const params = without(report.params, "_meta");
      return params && [{ ...report, params }];
    }),
  }),
  defineServerMutant({
    name: "s-progress-other-token",
    fault: "Progress has a token of the server's own.",
    killedBy: ["s/progress"],
    tamper: onSaid(PROGRESS, (report) => [{ ...report, params: { ...report.params, progressToken: "own" } }]),
  }),
  defineServerMutant({
    name: "s-progress-after-end",
    fault: "Progress goes on after the end of its task.",
    killedBy: ["s/progress-ends"],
    tamper: (fired) => {
      const first = new Map<string, string>();
      return onSaid(PROGRESS, (report, exchange) => {
        const session = sessionOf(exchange);
        const token = textIn(report.params, "progressToken") ?? "";
        const before = first.get(session) ?? token;
        first.set(session, before);
        return before === token
          ? undefined
          : [report, { ...report, params: { ...report.params, progressToken: before } }];
      })(fired);
    },
  }),
  defineServerMutant({
    name: "s-note-partial",
    fault: "A notification of a status leaves fields of the task out.",
    killedBy: ["s/status-notes"],
    tamper: onSaid(STATUS, (note) => {
      const params = without(note.params, "createdAt", "ttl");
      return params && [{ ...note, params }];
    }),
  }),
  defineServerMutant({
    name: "s-note-related",
    fault: "A notification of a status names its task in _meta as well.",
    killedBy: ["s/status-notes-plain"],
    tamper: onSaid(STATUS, (note) => [
      { ...note, params: { ...note.params, _meta: { [RELATED_TASK]: { taskId: note.params["taskId"] } } } },
    ]),
  }),
];
