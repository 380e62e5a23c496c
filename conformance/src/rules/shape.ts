import type { Task } from "@mcp-task-store/core";
import { questionFor } from "../question.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { leasedTask } from "./leased-task.ts";
import { firstOfWatch } from "./operations.ts";

const HOUR_MS = 3_600_000;

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
  title:
    "A task shows what it has and leaves out what it has not: claimBy while it is to be claimed, a lease's token never",
  level: "promise",
  source: ["P8", "P10"],
  mutants: [
    "metadata-undefined",
    "token-shown",
    "request-dropped",
    "claim-shown-leased",
    "asked-claimed",
    "release-asked-claimed",
  ],
  async act(kit) {
    const principal = kit.principal("p1");
    const view = kit.B.scoped(principal);
    const made = await kit.task({ principal, metadata: { n: 1 }, statusMessage: "made", request: REQUEST });
    const { taskId } = made;
    const bare = await kit.A.updateTask(taskId, { metadata: null, statusMessage: null });
    const lease = await kit.A.acquireLease(taskId, { holder: "worker", leaseMs: HOUR_MS });
    const token = lease?.token;
    const own = { lease: token };
    const free = await kit.asked(["k"]);
    const answered = await kit.B.answerInputs(free.taskId, { k: { action: "accept" } });
    const [given, waiting] = [await leasedTask(kit, kit.A, HOUR_MS), await leasedTask(kit, kit.A, HOUR_MS)];
    await kit.A.requestInputs(waiting.taskId, { k: questionFor("k") }, { lease: waiting.token });
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
      "a question to the client of a task that nobody holds": free,
      "its answer": answered,
      "a release": await kit.A.releaseLease(given.taskId, given.token),
      "a release with an open question": await kit.A.releaseLease(waiting.taskId, waiting.token),
      "a read of that": await kit.B.getTask(waiting.taskId),
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
      const isFree = task.status === "working" && task.lease === undefined;
      expect(
        `look at the task of ${where}: its claimBy`,
        task.claimBy,
        which(
          isFree ? "an instant: it is working, and nobody holds a lease" : "none: it is not to be claimed",
          (claimBy) => (claimBy !== undefined) === isFree,
        ),
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
