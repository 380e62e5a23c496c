import type { Task } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, refused, unchanged, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { createMany, idsOf, tasksOf, walk } from "./listing.ts";
import { note, shiftAll, textOf } from "./message-operations.ts";

/** The cursor behind a first page of a few tasks, and what comes behind it. */
async function listedBefore(
  kit: Kit,
  principal: string,
): Promise<{ readonly cursor: string | undefined; readonly rest: readonly string[] }> {
  await createMany(kit, principal, 5);
  const view = kit.A.scoped(principal);
  const { nextCursor } = await view.listTasks({ limit: 2 });
  return { cursor: nextCursor, rest: idsOf(tasksOf(await walk(view, 2, nextCursor))) };
}

export const reopen: Rule = defineRule({
  id: "durable/reopen",
  title: "What was acknowledged is there after a hard stop and restart",
  level: "promise",
  source: ["P3", "X-11", "X-28"],
  needs: ["restart"],
  mutants: ["ack-before-commit", "intent-in-memory", "keys-in-memory", "queue-in-memory", "shift-unsaved"],
  async act(kit) {
    const asked = await kit.asked(["open", "answered"]);
    await kit.A.answerInputs(asked.taskId, { answered: { action: "accept" } });
    const open = await kit.task({
      statusMessage: "open",
      metadata: { deep: [1] },
      request: { method: "tools/call", name: "t" },
    });
    const ended = await kit.ended(COMPLETED);
    const leased = await kit.task();
    const lease = await kit.A.acquireLease(leased.taskId, { holder: "worker", leaseMs: 3_600_000 });
    await kit.B.requestCancellation(leased.taskId);
    const ids = [asked.taskId, open.taskId, ended.taskId, leased.taskId];
    const read = (): Promise<unknown[]> =>
      Promise.all(ids.map((id) => kit.A.getTask(id, { request: true, outcome: true })));
    const before = await read();
    const queue = kit.A.capabilities.messages;
    if (queue) {
      for (const text of ["m0", "m1", "m2", "m3"]) {
        await kit.A.messages.push(open.taskId, note(text), { messageId: text });
      }
      for (const receipt of ["first", "second"]) await kit.B.messages.shift(open.taskId, { receipt });
    }
    const held = queue ? await kit.A.getTask(open.taskId, { request: true, outcome: true }) : before[1];
    const idempotencyKey = "before the restart";
    const once = await kit.A.scoped(kit.principal("p1")).createTask({ idempotencyKey });
    const page = kit.A.capabilities.listing ? await listedBefore(kit, kit.principal("p2")) : undefined;
    const last = await kit.B.createTask({ taskId: kit.taskId("last") });
    await kit.restart();
    const after = await read();
    const again = await attempt(kit.B.scoped(kit.principal("p1")).createTask({ idempotencyKey }));
    const walked = page && (await attempt(walk(kit.B.scoped(kit.principal("p2")), 2, page.cursor)));
    const listed = walked?.kind === "fulfilled" ? idsOf(tasksOf(walked.value)).toSorted() : walked;
    const there = await kit.A.getTask(last.taskId);
    const messages = queue
      ? [
          await kit.A.messages.shift(open.taskId, { receipt: "second" }),
          ...(await shiftAll([kit.B], open.taskId, "after")),
        ]
      : undefined;
    const other = { method: "elicitation/create", params: { message: "something else?" } };
    const reused = await attempt(kit.B.requestInputs(asked.taskId, { answered: other }));
    const finished = await attempt(kit.A.finishTask(leased.taskId, COMPLETED, { lease: lease?.token }));
    return {
      before: before.with(1, held),
      after,
      last,
      there,
      messages: messages?.map(textOf),
      once,
      again,
      page,
      listed,
      reused,
      finished,
    };
  },
  judge(expect, { before, after, last, there, messages, once, again, page, listed, reused, finished }) {
    expect("stop hard, restart, read four tasks in all their parts", after, equalTo(before));
    if (messages !== undefined) {
      const did = "shift m0 and m1 of four, stop hard, restart, shift with the receipt of m1 and then with new ones";
      expect(did, messages, equalTo(["m1", "m2", "m3"]));
    }
    expect("stop hard right after a create was acknowledged", there, unchanged(last));
    const same = which<Task>("the same task", ({ taskId }) => taskId === once.taskId);
    expect("create again with an idempotency key of before the restart", again, fulfilled(same));
    if (page !== undefined)
      expect("walk on from a cursor of before the restart", listed, equalTo(page.rest.toSorted()));
    expect("ask something else under a key that was answered before the restart", reused, refused("INPUT_KEY_REUSED"));
    expect(
      "finish with a lease from before the restart",
      finished,
      fulfilled(which("completed", (task) => task.status === "completed")),
    );
  },
});
