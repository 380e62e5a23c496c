import type { Task } from "@mcp-task-store/core";
import type { Attempt } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, settled, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";

/** How many ids that no task has are watched besides: a watch takes 10,000. */
const STRANGERS = 300;

async function collect(items: AsyncIterator<Task>, until: (task: Task) => boolean): Promise<readonly Task[]> {
  const seen: Task[] = [];
  for (;;) {
    const next = await items.next();
    if (next.done === true) return seen;
    seen.push(next.value);
    if (until(next.value) || seen.length > 1_000) return seen;
  }
}

export const watchAll: Rule = defineRule({
  id: "watch/all",
  title: "A watch starts with the present, ends with the end, and misses neither",
  level: "promise",
  source: ["X-43", "X-45", "P4"],
  mutants: [
    "watch-drops-terminal",
    "watch-future-only",
    "watch-drops-newest",
    "watch-dies-with-one",
    "watch-return-hangs",
    "watch-first-scoped",
    "watch-first-ids",
  ],
  async act(kit) {
    const { signal } = kit;
    const watched = await kit.task();
    const items = kit.A.watchTasks([watched.taskId], { signal })[Symbol.asyncIterator]();
    const early = await kit.B.updateTask(watched.taskId, { statusMessage: "before the first next()" });
    const first = await kit.settles(collect(items, () => true));
    for (let step = 0; step < 100; step += 1) await kit.B.updateTask(watched.taskId, { statusMessage: `${step}` });
    const last = await kit.B.finishTask(watched.taskId, COMPLETED);
    // Whatever A keeps for its reader, it has heard of the end by now.
    await kit.settles(kit.A.waitForOutcome(watched.taskId, { signal }));
    await kit.isPending(Promise.resolve());
    const rest = await kit.settles(collect(items, () => false));
    const crowd = await Promise.all(Array.from({ length: 20 }, () => kit.task({ principal: kit.principal("p1") })));
    const doomed = crowd[0]?.taskId ?? "";
    const foreign = await kit.task({ principal: kit.principal("p2") });
    // Through a view, with ids that are not the principal's: those just end.
    const mine = crowd.map((task) => task.taskId);
    // One of them twice: that is one task all the same. The last ones stand behind more ids than a batch of many has.
    const never = Array.from({ length: STRANGERS }, (_, index) => kit.taskId(`never ${index}`));
    const ids = [...mine.slice(0, 10), foreign.taskId, ...never, ...mine.slice(9)];
    const all = kit.A.scoped(kit.principal("p1")).watchTasks(ids, { signal })[Symbol.asyncIterator]();
    const crowdEnds = kit.settles(collect(all, () => false));
    await kit.B.deleteTask(doomed);
    for (const { taskId } of crowd.slice(1)) await kit.B.finishTask(taskId, COMPLETED);
    const crowdSeen = await crowdEnds;
    const open = await kit.task();
    const idle = kit.A.watchTasks([open.taskId], { signal })[Symbol.asyncIterator]();
    await kit.settles(idle.next());
    const pending = idle.next();
    const returned: Promise<unknown> = idle.return?.() ?? Promise.resolve();
    const stops = [await kit.settles<unknown>(pending), await kit.settles(returned)];
    return { early, first, last, rest, crowd, doomed, crowdSeen, stops };
  },
  judge(expect, { early, first, last, rest, crowd, doomed, crowdSeen, stops }) {
    expect("watch a task, then let B write: the first item", first, settled);
    expect("watch a task, then let B write: the first item", first, fulfilled(equalTo([early])));
    const did = "let B write 100 times unread and finish, read on";
    expect(did, rest, settled);
    expect(
      did,
      rest,
      fulfilled(
        which(
          "rising revisions up to the completed task, then the end",
          (tasks) => rises(tasks) && tasks.at(-1)?.revision === last.revision,
        ),
      ),
    );
    const wholeCrowd = `watch 20 tasks through a view, and ${STRANGERS + 1} ids that it does not have; delete one, finish the others`;
    expect(wholeCrowd, crowdSeen, settled);
    const finished = finishedIn(crowdSeen);
    const strangers = tasksIn(crowdSeen).filter(({ taskId }) => !crowd.some((task) => task.taskId === taskId));
    expect(`${wholeCrowd}: items that are none of its own`, strangers, equalTo([]));
    const rest19 = crowd.map((task) => task.taskId).filter((id) => id !== doomed);
    expect(`${wholeCrowd}: those seen completed`, finished.toSorted(), equalTo(rest19.toSorted()));
    for (const stop of stops) expect("call return() while next() is pending", stop, settled);
  },
});

function rises(tasks: readonly Task[]): boolean {
  return tasks.every((task, index) => index === 0 || task.revision > (tasks[index - 1]?.revision ?? 0));
}

function finishedIn(seen: Attempt<readonly Task[]>): readonly string[] {
  const finished = tasksIn(seen).filter((task) => task.status === "completed");
  return [...new Set(finished.map((task) => task.taskId))];
}

function tasksIn(seen: Attempt<readonly Task[]>): readonly Task[] {
  return seen.kind === "fulfilled" ? seen.value : [];
}
