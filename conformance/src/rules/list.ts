import type { Task } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { createMany, idsOf, ownOf, tasksOf, walk } from "./listing.ts";

export const complete: Rule = defineRule({
  id: "list/complete",
  title: "What can be read can be listed, as it is, in every process at once",
  level: "must",
  source: ["S-51", "S-54"],
  needs: ["listing"],
  mutants: ["index-lag", "list-stale-item"],
  async act(kit) {
    const principal = kit.principal("p1");
    const view = kit.B.scoped(principal);
    const made = await createMany(kit, principal, 25);
    const first = tasksOf(await walk(view, 10));
    const ended: Task[] = [];
    for (const { taskId } of made.slice(0, 5)) ended.push(await kit.A.finishTask(taskId, COMPLETED));
    const second = tasksOf(await walk(view, 10));
    return { made, first, ended, second };
  },
  judge(expect, { made, first, ended, second }) {
    expect(
      "create 25 tasks through two handles and walk B's list",
      idsOf(first).toSorted(),
      equalTo(idsOf(made).toSorted()),
    );
    for (const task of made) {
      expect(
        "compare an item with its task",
        first.find((item) => item.taskId === task.taskId),
        equalTo(task),
      );
    }
    for (const task of ended) {
      const item = second.find(({ taskId }) => taskId === task.taskId);
      expect("finish a task and look at its item", item, equalTo(task));
    }
  },
});

/** What happens to a listing between two of its pages. */
const DISTURBANCES: Readonly<Record<string, (kit: Kit, principal: string, shown: readonly string[]) => Promise<void>>> =
  {
    "delete tasks already shown": async (kit, _principal, shown) => {
      for (const id of shown.slice(0, 3)) await kit.A.deleteTask(id);
    },
    "create newer tasks": async (kit, principal) => {
      const now = Date.parse((await kit.task()).createdAt);
      await kit.until(
        () => kit.B.createTask(),
        (later) => Date.parse(later.createdAt) > now,
      );
      await createMany(kit, principal, 5);
    },
  };

export const stable: Rule = defineRule({
  id: "list/stable",
  title: "A walk shows each task that lived all through it exactly once",
  level: "must",
  source: ["S-51", "S-54"],
  needs: ["listing"],
  mutants: ["cursor-offset", "list-by-updated"],
  act: (kit) =>
    Promise.all(
      Object.entries(DISTURBANCES).map(async ([what, disturb]) => {
        const principal = kit.principal(what);
        const view = kit.B.scoped(principal);
        const made = await createMany(kit, principal, 20);
        const first = await view.listTasks({ limit: 6 });
        const shown = idsOf(made).filter((id) => idsOf(first.tasks).includes(id));
        const rest = idsOf(made).filter((id) => !shown.includes(id));
        await disturb(kit, principal, shown);
        for (const id of rest.slice(0, 4)) await kit.A.updateTask(id, { statusMessage: "moved" });
        const later = first.nextCursor === undefined ? [] : tasksOf(await walk(view, 6, first.nextCursor));
        return { what, shown, rest, later: idsOf(later) };
      }),
    ),
  judge(expect, seen) {
    for (const { what, shown, rest, later } of seen) {
      const known = later.filter((id) => rest.includes(id) || shown.includes(id));
      const did = `list a page, ${what}, change some to come, walk on: the old tasks`;
      expect(did, known.toSorted(), equalTo(rest.toSorted()));
    }
  },
});

export const cursorTaskGone: Rule = defineRule({
  id: "list/cursor-task-gone",
  title: "A cursor outlives the task it was made from",
  level: "should",
  source: ["S-51", "S-54"],
  needs: ["listing"],
  mutants: ["cursor-lookup"],
  async act(kit) {
    const principal = kit.principal("p1");
    const view = kit.B.scoped(principal);
    const made = await createMany(kit, principal, 9);
    const first = await view.listTasks({ limit: 4 });
    for (const { taskId } of ownOf(first.tasks, made)) await kit.A.deleteTask(taskId);
    const rest = idsOf(made).filter((id) => !idsOf(first.tasks).includes(id));
    const next = await attempt(walk(view, 4, first.nextCursor));
    // The same with a first page that expires. Made last, they are shown first, or are all that is shown.
    const other = kit.B.scoped(kit.principal("p2"));
    const lasting = await createMany(kit, kit.principal("p2"), 3);
    const short = await Promise.all([1, 2, 3].map(() => kit.task({ principal: kit.principal("p2") })));
    const before = await other.listTasks({ limit: 3 });
    for (const { taskId } of short) await kit.A.updateTask(taskId, { ttlMs: kit.timing.unitMs });
    await kit.elapse(kit.timing.unitMs);
    const alive = idsOf(lasting).filter((id) => !idsOf(before.tasks).includes(id));
    const later = await attempt(walk(other, 3, before.nextCursor));
    return { deleted: { rest, next }, expired: { rest: alive, next: later } };
  },
  judge(expect, seen) {
    for (const [what, { rest, next }] of Object.entries(seen)) {
      const listed = next.kind === "fulfilled" ? idsOf(tasksOf(next.value)).toSorted() : next;
      expect(`walk on when tasks of the first page are ${what}`, listed, equalTo(rest.toSorted()));
    }
  },
});

export const sameInstant: Rule = defineRule({
  id: "list/same-instant",
  title: "Tasks of the same instant are ordered, too",
  level: "must",
  source: ["S-54"],
  needs: ["listing"],
  mutants: ["cursor-time-only"],
  isolated: true,
  async act(kit) {
    const principal = kit.principal("p1");
    const made: Task[] = [];
    for (let batch = 0; batch < 4; batch += 1) {
      made.push(...(await Promise.all(Array.from({ length: 25 }, () => kit.A.createTask({ principal })))));
    }
    const view = kit.B.scoped(principal);
    const walks = await Promise.all(
      [1, 7].map(async (limit) => ({ limit, listed: idsOf(tasksOf(await walk(view, limit))) })),
    );
    return { made: idsOf(made), walks };
  },
  judge(expect, { made, walks }) {
    for (const { limit, listed } of walks) {
      expect(`create 100 tasks at once and walk by ${limit}`, listed.toSorted(), equalTo(made.toSorted()));
    }
  },
});

export const deadPage: Rule = defineRule({
  id: "list/dead-page",
  title: "What a page leaves out does not count towards its size",
  level: "promise",
  source: ["S-52", "S-54"],
  needs: ["listing"],
  mutants: ["expired-short-page", "filter-after-limit", "list-status-first"],
  async act(kit) {
    const principal = kit.principal("p1");
    const view = kit.B.scoped(principal);
    const live = await createMany(kit, principal, 5);
    await Promise.all(Array.from({ length: 20 }, () => kit.task({ principal, ttlMs: kit.timing.unitMs })));
    await kit.elapse(kit.timing.unitMs);
    const page = await view.listTasks({ limit: 5 });
    const ended = await Promise.all(
      ownOf(page.tasks, live)
        .slice(-2)
        .map(({ taskId }) => kit.A.finishTask(taskId, COMPLETED)),
    );
    const completed = await view.listTasks({ limit: 2, status: ["completed"] });
    const either = await view.listTasks({ limit: 5, status: ["input_required", "working", "completed"] });
    return { live, page, ended, completed, either };
  },
  judge(expect, { live, page, ended, completed, either }) {
    const did = "let the 20 newest of 25 tasks expire, list 5";
    expect(did, idsOf(page.tasks).toSorted(), equalTo(idsOf(live).toSorted()));
    const filtered = idsOf(completed.tasks).toSorted();
    expect("complete the last two of five and list 2 that are completed", filtered, equalTo(idsOf(ended).toSorted()));
    const both = idsOf(either.tasks).toSorted();
    expect("list those that wait for input, work or are completed", both, equalTo(idsOf(live).toSorted()));
  },
});

export const next: Rule = defineRule({
  id: "list/next",
  title: "nextCursor is there while there is more, and absent at the end",
  level: "must",
  source: ["S-52"],
  needs: ["listing"],
  mutants: ["cursor-lost-last", "cursor-null"],
  act: (kit) =>
    Promise.all(
      [0, 3, 4, 7].map(async (count) => {
        const principal = kit.principal(`p${count}`);
        const made = await createMany(kit, principal, count);
        const pages = await walk(kit.B.scoped(principal), 3);
        return { count, made: idsOf(made), pages };
      }),
    ),
  judge(expect, seen) {
    for (const { count, made, pages } of seen) {
      const did = `walk ${count} tasks by 3`;
      expect(`${did}: the tasks`, idsOf(tasksOf(pages)).toSorted(), equalTo(made.toSorted()));
      for (const page of pages.slice(0, -1)) {
        expect(
          `${did}: a page before the last`,
          page.nextCursor,
          which("a string", (at) => typeof at === "string" && at !== ""),
        );
      }
      const [last] = pages.slice(-1);
      expect(
        `${did}: the last page`,
        last,
        which("no nextCursor", (page) => page !== undefined && page.nextCursor === undefined),
      );
    }
  },
});

export const everybodys: Rule = defineRule({
  id: "list/root",
  title: "Trusted code lists every task, whoever owns it and if nobody does",
  level: "promise",
  source: ["P5"],
  needs: ["listing"],
  mutants: ["root-lists-owned"],
  isolated: true,
  async act(kit) {
    const principals = [kit.principal("p1"), null, kit.principal("p2"), null, kit.principal("p1")];
    const made: Task[] = [];
    for (const principal of principals) made.push(await kit.A.createTask({ principal }));
    return { made: idsOf(made), listed: idsOf(tasksOf(await walk(kit.B, 2))) };
  },
  judge(expect, { made, listed }) {
    const did = "create tasks of two principals and of nobody, walk the root's list by two";
    expect(did, listed.toSorted(), equalTo(made.toSorted()));
  },
});
