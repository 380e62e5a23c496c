import type { JsonObject } from "@mcp-task-store/core";
import { anyEnd, type Settled } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, which } from "../wants.ts";
import { callUntyped } from "./untyped-call.ts";
import { noteOf } from "./v1-messages.ts";

const REQUEST = { method: "tools/call", params: { name: "t" } };
/** What has to come back as it was stored. Values that JSON has no word for are not among them. */
const RESULTS: readonly JsonObject[] = [
  { content: [] },
  { empty: {}, list: [], nothing: null, no: false, zero: 0, text: "" },
  { big: 2 ** 53 - 1, small: 5e-324, third: 0.1 + 0.2, max: 1e21 },
  { "a.b": 1, $where: 2, "": 3, "0": 4, constructor: 5 },
  { text: "\u{1f600} e\u0301 \u00e9 \u2028", date: "2026-01-01T00:00:00.000Z" },
  { error: { code: 1, message: "only looks like one" }, isError: false },
];

export const payload: Rule = defineRule({
  id: "v1/payload",
  title: "A result comes back as it was stored, all of it",
  level: "must",
  source: ["S-40"],
  needs: ["sdkV1"],
  mutants: ["v1-null-dropped"],
  async act(kit) {
    const { store } = await kit.sdk();
    const session = kit.principal("s1");
    return Promise.all(
      RESULTS.map(async (result) => {
        const { taskId } = await store.createTask({}, 1, REQUEST, session);
        await store.storeTaskResult(taskId, "completed", result, session);
        return { result, read: await anyEnd(store.getTaskResult(taskId, session)) };
      }),
    );
  },
  judge(expect, seen) {
    for (const { result, read } of seen) {
      expect(`store ${JSON.stringify(result)}, read it`, read, equalTo({ kind: "fulfilled", value: result }));
    }
  },
});

export const status: Rule = defineRule({
  id: "v1/status",
  title: "A task takes the statuses of the specification and no others",
  level: "must",
  source: ["S-22", "S-23"],
  needs: ["sdkV1"],
  mutants: ["v1-status-free"],
  async act(kit) {
    const { store } = await kit.sdk();
    const session = kit.principal("s1");
    const { taskId, status: born } = await store.createTask({}, 1, REQUEST, session);
    const ends: { readonly odd: unknown; readonly end: Settled<unknown>; readonly after: unknown }[] = [];
    for (const odd of ["Completed", "done", "", 7, null]) {
      const end = await anyEnd(callUntyped(store, "updateTaskStatus", taskId, odd, undefined, session));
      ends.push({ odd, end, after: (await store.getTask(taskId, session))?.status });
    }
    return { born, ends };
  },
  judge(expect, { born, ends }) {
    expect("create a task", born, equalTo("working"));
    for (const { odd, end, after } of ends) {
      const did = `set the status to ${JSON.stringify(odd)}`;
      expect(
        did,
        end,
        which("a rejection", ({ kind }) => kind === "rejected"),
      );
      expect(`${did}, then read`, after, equalTo("working"));
    }
  },
});

export const message: Rule = defineRule({
  id: "v1/message",
  title: "The status message that was given last is the one that is read, an empty one too",
  level: "should",
  source: ["S-65"],
  needs: ["sdkV1"],
  mutants: ["v1-message-kept"],
  async act(kit) {
    const { store } = await kit.sdk();
    const session = kit.principal("s1");
    const { taskId } = await store.createTask({}, 1, REQUEST, session);
    const read: unknown[] = [];
    for (const text of ["half", undefined, "most", "", "all"]) {
      await store.updateTaskStatus(taskId, "working", text, session);
      read.push((await store.getTask(taskId, session))?.statusMessage ?? "");
    }
    return read;
  },
  judge(expect, read) {
    const wanted = ["half", "half", "most", "", "all"];
    expect('report "half", nothing, "most", "" and "all"; read after each', read, equalTo(wanted));
  },
});

export const ttl: Rule = defineRule({
  id: "v1/ttl",
  title: "The ttl that a task states is one that the specification knows",
  level: "must",
  source: ["S-34", "P10"],
  needs: ["sdkV1"],
  mutants: ["v1-ttl-nan", "v1-ttl-zero-for-ever"],
  async act(kit) {
    const { store } = await kit.sdk();
    const session = kit.principal("s1");
    const wishes = [Number.NaN, -1, Infinity, "5", 0, 3_600_000, null];
    const made = await Promise.all(
      wishes.map(async (wish) => {
        const end = await anyEnd(callUntyped(store, "createTask", { ttl: wish }, 1, REQUEST, session));
        return { wish, end, shown: shownTask(end) };
      }),
    );
    await kit.elapse(kit.timing.unitMs);
    const over = made.flatMap(({ shown }) => (shown?.ttl === 0 ? [shown.taskId] : []));
    return { made, left: await Promise.all(over.map((taskId) => store.getTask(taskId, session))) };
  },
  judge(expect, { made, left }) {
    const known = which<TtlMade>(
      "a refusal, or a task whose ttl is null or a whole number of ms, 0 or more",
      ({ end, shown }) =>
        end.kind === "rejected" || shown?.ttl === null || (Number.isSafeInteger(shown?.ttl) && Number(shown?.ttl) >= 0),
    );
    for (const one of made) expect(`create a task with a ttl of ${String(one.wish)}`, one, known);
    for (const task of left) expect("read a task whose ttl is said to be 0, some time later", task, equalTo(null));
  },
});

interface TtlMade {
  readonly end: Settled<unknown>;
  readonly shown: { readonly taskId: string; readonly ttl: unknown } | undefined;
}

function shownTask(end: Settled<unknown>): TtlMade["shown"] {
  if (end.kind === "rejected" || typeof end.value !== "object" || end.value === null) return undefined;
  const { value } = end;
  const taskId = "taskId" in value && typeof value.taskId === "string" ? value.taskId : "";
  return { taskId, ttl: "ttl" in value ? value.ttl : undefined };
}

export const queueEnds: Rule = defineRule({
  id: "v1/queue-ends",
  title: "The messages of a task go with it",
  level: "promise",
  source: ["S-78", "P7"],
  needs: ["sdkV1", "messages"],
  mutants: ["v1-queue-outlives"],
  async act(kit) {
    const { store, queue } = await kit.sdk();
    const session = kit.principal("s1");
    const { taskId } = await store.createTask({ ttl: kit.timing.unitMs }, 1, REQUEST, session);
    await anyEnd(queue?.enqueue(taskId, noteOf("left behind"), session) ?? Promise.resolve());
    await kit.elapse(2 * kit.timing.unitMs);
    await kit.until(
      () => store.getTask(taskId, session),
      (task) => task === null,
    );
    return anyEnd(queue?.dequeueAll(taskId, session) ?? Promise.resolve([]));
  },
  judge(expect, end) {
    const none = which<typeof end>(
      "none, or a rejection",
      (seen) => seen.kind === "rejected" || seen.value.length === 0,
    );
    expect("enqueue a message, let its task expire, take all messages", end, none);
  },
});

export const queueDrain: Rule = defineRule({
  id: "v1/queue-drain",
  title: "Taking all messages is one step: each is taken by it or comes after it",
  level: "promise",
  source: ["P2"],
  needs: ["sdkV1", "messages"],
  mutants: ["v1-drain-read-clear"],
  async act(kit) {
    const { store, queue } = await kit.sdk();
    const { queue: other } = await kit.sdk();
    const session = kit.principal("s1");
    return kit.duel({
      async over() {
        const { taskId } = await store.createTask({}, 1, REQUEST, session);
        await queue?.enqueue(taskId, noteOf("m0"), session);
        return taskId;
      },
      left: async (taskId) => (await queue?.dequeueAll(taskId, session)) ?? [],
      right: async (taskId) => {
        for (const text of ["m1", "m2"]) await other?.enqueue(taskId, noteOf(text), session);
      },
      after: async (taskId) => (await other?.dequeueAll(taskId, session)) ?? [],
    });
  },
  judge(expect, bouts) {
    for (const { left, right, after, first, pause } of bouts) {
      const did = `take all messages while another queues m1 and m2 (${first} first, ${pause})`;
      expect(`${did}: both calls`, [left.kind, right.kind], equalTo(["fulfilled", "fulfilled"]));
      const taken = left.kind === "fulfilled" ? left.value : [];
      const wanted = ["m0", "m1", "m2"].map(noteOf);
      expect(`${did}: what was taken then and afterwards`, [...taken, ...after], equalTo(wanted));
    }
  },
});
