import type { JsonObject } from "@mcp-task-store/core";
import { anyEnd } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import type { SdkTask } from "../sdk-v1/sdk-interfaces.ts";
import { equalTo, which } from "../wants.ts";
import { noteOf } from "./v1-messages.ts";

const REQUEST = { method: "tools/call", params: { name: "t" } };
const RESULT: JsonObject = { content: [{ type: "text", text: "42" }], isError: false };
const HOUR_MS = 3_600_000;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

export const times: Rule = defineRule({
  id: "v1/times",
  title: "Times are ISO 8601, and the creation stays where it was",
  level: "must",
  source: ["S-31", "S-32"],
  needs: ["sdkV1"],
  mutants: ["v1-time-epoch", "v1-created-moves"],
  async act(kit) {
    const { store } = await kit.sdk();
    const session = kit.principal("s1");
    const created = await store.createTask({}, 1, REQUEST, session);
    const { taskId } = created;
    // At another instant: only then does it show when a time moves.
    await kit.until(
      () => store.createTask({}, 1, REQUEST, kit.principal("clock")),
      ({ createdAt }) => createdAt !== created.createdAt,
    );
    await store.updateTaskStatus(taskId, "working", "half", session);
    const reported = await store.getTask(taskId, session);
    await store.storeTaskResult(taskId, "completed", RESULT, session);
    const ended = await store.getTask(taskId, session);
    const { tasks } = await store.listTasks(undefined, session);
    const listed = tasks.find((task) => task.taskId === taskId);
    return { created: { ...created }, reported, ended, listed };
  },
  judge(expect, { created, ...reads }) {
    const instants = which<SdkTask | null | undefined>(
      "createdAt and lastUpdatedAt as instants with a zone, the one not after the other",
      (task) =>
        [task?.createdAt, task?.lastUpdatedAt].every((at) => typeof at === "string" && INSTANT.test(at)) &&
        Date.parse(task?.createdAt ?? "") <= Date.parse(task?.lastUpdatedAt ?? ""),
    );
    expect("create a task", created, instants);
    for (const [when, task] of Object.entries(reads)) {
      expect(`the task when it was ${when}`, task, instants);
      expect(`createdAt of the task when it was ${when}`, task?.createdAt, equalTo(created.createdAt));
    }
  },
});

export const reopen: Rule = defineRule({
  id: "v1/reopen",
  title: "What was answered for is there after a hard stop",
  level: "promise",
  source: ["P3", "X-11"],
  needs: ["sdkV1", "restart"],
  mutants: ["v1-result-in-memory"],
  async act(kit) {
    const before = await kit.sdk();
    const session = kit.principal("s1");
    const make = (): Promise<SdkTask> => before.store.createTask({ ttl: HOUR_MS }, 1, REQUEST, session);
    const [open, completed, cancelled] = [await make(), await make(), await make()];
    await before.store.updateTaskStatus(open.taskId, "working", "half", session);
    await before.store.storeTaskResult(completed.taskId, "completed", RESULT, session);
    await before.store.updateTaskStatus(cancelled.taskId, "cancelled", "enough", session);
    for (const text of ["m1", "m2"]) await before.queue?.enqueue(open.taskId, noteOf(text), session);
    await before.queue?.dequeue(open.taskId, session);
    const ids = [open, completed, cancelled].map(({ taskId }) => taskId);
    const wanted = await Promise.all(ids.map((taskId) => before.store.getTask(taskId, session)));
    await kit.restart();
    const after = await kit.sdk();
    return {
      wanted,
      seen: await Promise.all(ids.map((taskId) => after.store.getTask(taskId, session))),
      result: await anyEnd(after.store.getTaskResult(completed.taskId, session)),
      queued: await after.queue?.dequeueAll(open.taskId, session),
    };
  },
  judge(expect, { wanted, seen, result, queued }) {
    const did = "restart everything";
    for (const [index, task] of seen.entries()) expect(`${did}, read a task`, task, equalTo(wanted[index]));
    expect(`${did}, read the result`, result, equalTo({ kind: "fulfilled", value: RESULT }));
    if (queued !== undefined) {
      expect(`${did}, take all messages; the first of two was taken before`, queued, equalTo([noteOf("m2")]));
    }
  },
});
