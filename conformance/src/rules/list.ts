import type { ScopedTaskStore, Task, TaskPage } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, refused, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";

type Lister = Pick<ScopedTaskStore, "listTasks">;

/** All pages from a cursor on, at most 100. */
async function walk(view: Lister, limit: number, cursor?: string): Promise<readonly TaskPage[]> {
  const pages: TaskPage[] = [];
  for (let at = cursor; pages.length < 100;) {
    const page = await view.listTasks(at === undefined ? { limit } : { limit, cursor: at });
    pages.push(page);
    if (typeof page.nextCursor !== "string" || page.nextCursor === "") break;
    at = page.nextCursor;
  }
  return pages;
}

function tasksOf(pages: readonly TaskPage[]): readonly Task[] {
  return pages.flatMap((page) => page.tasks);
}

function idsOf(tasks: readonly { readonly taskId: string }[]): readonly string[] {
  return tasks.map((task) => task.taskId);
}

async function createMany(kit: Kit, principal: string, count: number): Promise<readonly Task[]> {
  const made: Task[] = [];
  for (let index = 0; index < count; index += 1) {
    made.push(await (index % 2 === 0 ? kit.A : kit.B).createTask({ principal }));
  }
  return made;
}

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
  mutants: ["cursor-offset"],
  act: (kit) =>
    Promise.all(
      Object.entries(DISTURBANCES).map(async ([what, disturb]) => {
        const principal = kit.principal(what);
        const view = kit.B.scoped(principal);
        const made = await createMany(kit, principal, 20);
        const first = await view.listTasks({ limit: 6 });
        const shown = idsOf(first.tasks);
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
    for (const { taskId } of first.tasks) await kit.A.deleteTask(taskId);
    const rest = idsOf(made).filter((id) => !idsOf(first.tasks).includes(id));
    const next = await attempt(walk(view, 4, first.nextCursor));
    return { rest, next: next.kind === "fulfilled" ? idsOf(tasksOf(next.value)) : next };
  },
  judge(expect, { rest, next }) {
    const sorted = "kind" in next ? next : next.toSorted();
    expect("delete all tasks of the first page and walk on", sorted, equalTo(rest.toSorted()));
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
  mutants: ["expired-short-page", "filter-after-limit"],
  async act(kit) {
    const principal = kit.principal("p1");
    const view = kit.B.scoped(principal);
    const live = await createMany(kit, principal, 5);
    await Promise.all(Array.from({ length: 20 }, () => kit.task({ principal, ttlMs: kit.timing.unitMs })));
    await kit.elapse(kit.timing.unitMs);
    const page = await view.listTasks({ limit: 5 });
    const ended = await Promise.all(page.tasks.slice(-2).map(({ taskId }) => kit.A.finishTask(taskId, COMPLETED)));
    const completed = await view.listTasks({ limit: 2, status: ["completed"] });
    return { live, page, ended, completed };
  },
  judge(expect, { live, page, ended, completed }) {
    const did = "let the 20 newest of 25 tasks expire, list 5";
    expect(did, idsOf(page.tasks).toSorted(), equalTo(idsOf(live).toSorted()));
    const filtered = idsOf(completed.tasks).toSorted();
    expect("complete the last two of five and list 2 that are completed", filtered, equalTo(idsOf(ended).toSorted()));
  },
});

export const next: Rule = defineRule({
  id: "list/next",
  title: "nextCursor is there exactly while there is more",
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
      expect(`${did}: the number of pages`, pages.length, equalTo(Math.max(1, Math.ceil(count / 3))));
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
        which("no nextCursor", (page) => page !== undefined && !("nextCursor" in page)),
      );
    }
  },
});

export const badCursor: Rule = defineRule({
  id: "list/bad-cursor",
  title: "A cursor that is broken or another principal's is refused",
  level: "must",
  source: ["S-62", "S-74", "P5"],
  needs: ["listing"],
  mutants: ["bad-cursor-first-page", "cursor-unbound"],
  async arrange(kit) {
    await createMany(kit, kit.principal("p1"), 4);
    await createMany(kit, kit.principal("p2"), 4);
    const { nextCursor = "" } = await kit.A.scoped(kit.principal("p1")).listTasks({ limit: 2 });
    return { nextCursor };
  },
  async act(kit, { nextCursor }) {
    const cursors = {
      garbage: "garbage",
      "10 kB of garbage": "x".repeat(10_240),
      "half of a good one": nextCursor.slice(0, Math.floor(nextCursor.length / 2)),
      "another principal's": nextCursor,
      "the empty one": "",
      "with NUL": "a\u0000b",
    };
    const view = kit.B.scoped(kit.principal("p2"));
    return Promise.all(
      Object.entries(cursors).map(async ([what, cursor]) => {
        return { what, listed: await attempt(() => view.listTasks({ limit: 2, cursor })) };
      }),
    );
  },
  judge(expect, seen) {
    for (const { what, listed } of seen) expect(`list from a cursor: ${what}`, listed, refused("INVALID_CURSOR"));
  },
});

/** A text with one character replaced by another one of the same alphabet. */
function flipped(text: string, at: number): string {
  const other = text.charAt(at) === "A" ? "B" : "A";
  return text.slice(0, at) + other + text.slice(at + 1);
}

/** Edits of what a cursor says, if it says it readably, with every trace of `from` replaced by `to`. */
function edited(cursor: string, from: string, to: string): readonly string[] {
  return (["base64url", "base64", "hex"] as const).flatMap((encoding) => {
    const text = Buffer.from(cursor, encoding).toString("utf8");
    return text.includes(from) ? [Buffer.from(text.replaceAll(from, to), "utf8").toString(encoding)] : [];
  });
}

export const forgedCursor: Rule = defineRule({
  id: "list/forged-cursor",
  title: "An edited cursor opens nobody else's tasks and breaks nothing",
  level: "promise",
  source: ["P5", "P10"],
  needs: ["listing"],
  mutants: ["cursor-names-scope"],
  async act(kit) {
    const [p1, p2] = [kit.principal("p1"), kit.principal("p2")];
    await createMany(kit, p1, 4);
    const own = await createMany(kit, p2, 4);
    const view = kit.B.scoped(p2);
    const { nextCursor = "" } = await view.listTasks({ limit: 2 });
    const forged = [
      ...Array.from({ length: nextCursor.length }, (_, at) => flipped(nextCursor, at)),
      ...edited(nextCursor, p2, p1),
    ];
    const lists = await Promise.all(
      forged.map(async (cursor) => ({ cursor, listed: await attempt(() => view.listTasks({ limit: 10, cursor })) })),
    );
    return { own: new Set(idsOf(own)), lists };
  },
  judge(expect, { own, lists }) {
    for (const { cursor, listed } of lists) {
      const did = `list from the edited cursor ${cursor}`;
      if (listed.kind === "rejected") expect(did, listed, refused("INVALID_CURSOR"));
      else
        expect(
          did,
          listed,
          which(
            "own tasks only",
            (end) => end.kind === "fulfilled" && end.value.tasks.every((task) => own.has(task.taskId)),
          ),
        );
    }
  },
});

export const cursorTravels: Rule = defineRule({
  id: "list/cursor-travels",
  title: "A cursor works in every process",
  level: "must",
  source: ["S-51"],
  needs: ["listing"],
  mutants: ["cursor-process-key"],
  async act(kit) {
    const principal = kit.principal("p1");
    const made = await createMany(kit, principal, 5);
    const first = await kit.A.scoped(principal).listTasks({ limit: 2 });
    const third = await kit.open();
    const cursor = first.nextCursor;
    const lists = await Promise.all(
      [kit.B, third].map((store) => attempt(async () => tasksOf(await walk(store.scoped(principal), 2, cursor)))),
    );
    return { rest: idsOf(made).filter((id) => !idsOf(first.tasks).includes(id)), lists };
  },
  judge(expect, { rest, lists }) {
    for (const [index, list] of lists.entries()) {
      const did = `list a page in one process and walk on in ${index === 0 ? "another" : "one that was started later"}`;
      const ids = list.kind === "fulfilled" ? idsOf(list.value).toSorted() : list;
      expect(did, ids, equalTo(rest.toSorted()));
    }
  },
});
