import { anyEnd, CouldNotRun, type Settled } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import type { SdkTask, SdkTaskStore } from "../sdk-v1/sdk-interfaces.ts";
import { equalTo, which } from "../wants.ts";

const REQUEST = { method: "tools/call", params: { name: "t" } };
/** No store of the SDK is expected to have longer pages. */
const LONGEST_PAGE = 200;

/** How many tasks of a fresh session the store shows at once. @throws CouldNotRun if it never ends a page */
async function pageLength(kit: Kit, store: SdkTaskStore): Promise<number> {
  const session = kit.principal("page");
  for (let made = 0; made < LONGEST_PAGE; made += 1) {
    await store.createTask({}, made, REQUEST, session);
    const { tasks, nextCursor } = await store.listTasks(undefined, session);
    if (nextCursor !== undefined) return tasks.length;
  }
  throw new CouldNotRun(`a page has room for ${LONGEST_PAGE} tasks`);
}

export const cursorTaskGone: Rule = defineRule({
  id: "v1/cursor-task-gone",
  title: "A cursor outlives the task that it was made from",
  level: "should",
  source: ["S-51", "S-54"],
  needs: ["sdkV1"],
  mutants: ["v1-cursor-lookup"],
  isolated: true,
  async act(kit) {
    const { store } = await kit.sdk();
    const length = await pageLength(kit, store);
    const lengthMs = kit.timing.unitMs;
    // The first page is to be the one that expires; whether that is the oldest or the newest is the store's choice.
    const walks = (["old", "new"] as const).map(async (expiring) => {
      return kit.within(async (ms) => {
        // One of its own: what an earlier, slower try has made may live on.
        const session = kit.principal(`${expiring} ones expire after ${ms} ms`);
        const make = async (ttlMs: number | null): Promise<SdkTask[]> => {
          const tasks: SdkTask[] = [];
          while (tasks.length < length) tasks.push(await store.createTask({ ttl: ttlMs }, 1, REQUEST, session));
          return tasks;
        };
        const first = await make(expiring === "old" ? ms : null);
        // At another instant: tasks of one instant are in no order.
        const instant = first.at(-1)?.createdAt;
        await kit.until(
          () => store.createTask({}, 1, REQUEST, kit.principal("clock")),
          ({ createdAt }) => createdAt !== instant,
        );
        const second = await make(expiring === "new" ? ms : null);
        const page = await store.listTasks(undefined, session);
        const [short, long] = expiring === "old" ? [first, second] : [second, first];
        return { session, page, ms, short, long };
      });
    });
    const seen: { readonly end: Settled<{ readonly tasks: readonly SdkTask[] }>; readonly long: readonly string[] }[] =
      [];
    for (const { session, page, ms, short, long } of await Promise.all(walks)) {
      const expiring = new Set(short.map(({ taskId }) => taskId));
      if (!page.tasks.every(({ taskId }) => expiring.has(taskId))) continue;
      await kit.elapse(Math.max(ms, lengthMs));
      const end = await anyEnd(store.listTasks(page.nextCursor, session));
      seen.push({ end, long: long.map(({ taskId }) => taskId).toSorted() });
    }
    if (seen.length === 0) throw new CouldNotRun("pages are in no order of creation");
    return seen;
  },
  judge(expect, seen) {
    for (const { end, long } of seen) {
      const listed = end.kind === "fulfilled" ? end.value.tasks.map(({ taskId }) => taskId).toSorted() : end;
      expect("list a page, let all of its tasks expire, go on from its cursor", listed, equalTo(long));
    }
  },
});

export const badCursor: Rule = defineRule({
  id: "v1/bad-cursor",
  title: "A cursor that the store never gave is refused",
  level: "must",
  source: ["S-62"],
  needs: ["sdkV1"],
  mutants: ["v1-bad-cursor-first-page"],
  async act(kit) {
    const { store } = await kit.sdk();
    const session = kit.principal("s1");
    await store.createTask({}, 1, REQUEST, session);
    const cursors = ["garbage", "x".repeat(10_240), "a\u0000b"];
    return Promise.all(
      cursors.map(async (cursor) => ({ cursor, end: await anyEnd(store.listTasks(cursor, session)) })),
    );
  },
  judge(expect, seen) {
    const rejected = which<Settled<unknown>>("a rejection", (end) => end.kind === "rejected");
    for (const { cursor, end } of seen)
      expect(`list from the cursor ${JSON.stringify(cursor.slice(0, 20))}`, end, rejected);
  },
});
