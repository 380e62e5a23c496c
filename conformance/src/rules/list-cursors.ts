import { attempt } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, refused, which } from "../wants.ts";
import { createMany, idsOf, tasksOf, walk } from "./listing.ts";

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
  source: ["S-51", "S-54"],
  needs: ["listing"],
  mutants: ["cursor-process-key"],
  async act(kit) {
    const principal = kit.principal("p1");
    const made = await createMany(kit, principal, 5);
    const first = await kit.A.scoped(principal).listTasks({ limit: 2 });
    // Where opening again gives a store of its own, there is no other process.
    const others = kit.opensTwice ? [kit.B, await kit.open()] : [kit.B];
    const cursor = first.nextCursor;
    const lists = await Promise.all(
      others.map((store) => attempt(async () => tasksOf(await walk(store.scoped(principal), 2, cursor)))),
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
