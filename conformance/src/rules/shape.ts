import type { Task } from "@mcp-task-store/core";
import { questionFor } from "../question.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { firstOfWatch } from "./operations.ts";

/** Absent where there is nothing to show: `in` and JSON both tell that from null. */
const OPTIONAL = [
  "statusMessage",
  "cancelRequestedAt",
  "claimBy",
  "runUntil",
  "lease",
  "metadata",
  "request",
  "outcome",
] as const satisfies readonly (keyof Task)[];

const REQUEST = { method: "tools/call", name: "weather", params: { city: "Ys" } };

export const shape: Rule = defineRule({
  id: "lifecycle/shape",
  title: "A task shows what it has and leaves out what it has not, and never shows a lease's token",
  level: "promise",
  source: ["P8", "P10"],
  mutants: ["metadata-undefined", "token-shown", "request-dropped"],
  async act(kit) {
    const principal = kit.principal("p1");
    const view = kit.B.scoped(principal);
    const made = await kit.task({ principal, metadata: { n: 1 }, statusMessage: "made", request: REQUEST });
    const { taskId } = made;
    const bare = await kit.A.updateTask(taskId, { metadata: null, statusMessage: null });
    const lease = await kit.A.acquireLease(taskId, { holder: "worker", leaseMs: 3_600_000 });
    const token = lease?.token;
    const own = { lease: token };
    const tasks: Readonly<Record<string, Task | undefined>> = {
      "the create": made,
      "a report that took metadata and message away": bare,
      "a lease": lease?.task,
      "a read": await view.getTask(taskId),
      "a read with request and outcome": await view.getTask(taskId, { request: true, outcome: true }),
      "a wait": await view.waitForUpdate(taskId, { since: 0, timeoutMs: kit.timing.deadlineMs }),
      "a watch": await firstOfWatch(view, taskId, kit.signal),
      "a listing": kit.B.capabilities.listing ? (await view.listTasks()).tasks[0] : undefined,
      "a question": await kit.A.requestInputs(taskId, { k: questionFor("k") }, own),
      "an answer": await view.answerInputs(taskId, { k: { action: "accept" } }),
      "a wish to cancel": await view.requestCancellation(taskId),
      "an end": await kit.A.finishTask(taskId, COMPLETED, own),
      "a read of the end": await view.getTask(taskId),
    };
    return { token, tasks, ended: await view.getTask(taskId, { request: true }) };
  },
  judge(expect, { token, tasks, ended }) {
    expect("complete a task that came with a request, read that", ended?.request, equalTo(REQUEST));
    for (const [where, task] of Object.entries(tasks)) {
      if (task === undefined) continue;
      const empty = OPTIONAL.filter((key) => key in task && (task[key] ?? null) === null);
      expect(
        `look at the task of ${where}: keys with nothing in them`,
        empty,
        which("none: such a key is left out", (keys) => keys.length === 0),
      );
      const told = token !== undefined && Object.values(task.lease ?? {}).some((value: unknown) => value === token);
      expect(
        `look at the task of ${where}: its lease`,
        task.lease,
        which("no fencing token: that is its holder's alone", () => !told),
      );
    }
  },
});
