import type { JsonObject } from "@mcp-task-store/core";
import { anyEnd, type Settled } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import type { SdkHandle, SdkTask, SdkTaskStore, WireAnswer } from "../sdk-v1/sdk-interfaces.ts";
import { equalTo, which } from "../wants.ts";
import { noteOf } from "./v1-messages.ts";

const RESULT: JsonObject = { content: [{ type: "text", text: "42" }] };
const REQUEST = { method: "tools/call", params: { name: "t" } };
const INVALID_PARAMS = -32_602;

/** A fresh working task of a session. */
function made(store: SdkTaskStore, session: string | undefined, ttl?: number | null): Promise<SdkTask> {
  return store.createTask(ttl === undefined ? {} : { ttl }, 1, REQUEST, session);
}

const rejected = which<Settled<unknown>>("a rejection", (end) => end.kind === "rejected");

/** A copy as JSON has it, at this moment. */
function copyOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** Changes a value wherever it can be changed. */
function spoil(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    spoil(Reflect.get(value, key));
    Reflect.set(value, key, "spoiled");
  }
}

export const snapshots: Rule = defineRule({
  id: "v1/snapshots",
  title: "What a store answers and is given are copies",
  level: "must",
  source: ["S-22", "S-40"],
  needs: ["sdkV1"],
  mutants: ["v1-live-create", "v1-live-result"],
  async act(kit) {
    const { store } = await kit.sdk();
    const session = kit.principal("s1");
    const task = await made(store, session);
    const given: JsonObject = { content: [{ type: "text", text: "42" }] };
    await store.storeTaskResult(task.taskId, "completed", given, session);
    const created = copyOf(task);
    spoil(given);
    const first = copyOf(await anyEnd(store.getTaskResult(task.taskId, session)));
    spoil(await store.getTaskResult(task.taskId, session));
    spoil(await store.getTask(task.taskId, session));
    const second = copyOf(await anyEnd(store.getTaskResult(task.taskId, session)));
    return { created, first, second, after: copyOf(await anyEnd(store.getTask(task.taskId, session))) };
  },
  judge(expect, { created, first, second, after }) {
    const has = (key: string, value: string) =>
      which<unknown>(`${key} ${value}`, (seen) => JSON.stringify(seen).includes(`"${key}":"${value}"`));
    const intact = { kind: "fulfilled", value: RESULT };
    expect("create a task, finish it, look at what createTask had answered", created, has("status", "working"));
    expect("store a result, change what was stored, read it", first, equalTo(intact));
    expect("change what was read, read it again", second, equalTo(intact));
    expect("change the task that was read, read it again", after, has("status", "completed"));
  },
});

export const guards: Rule = defineRule({
  id: "v1/guards",
  title: "A task that has ended is not ended again, whatever the SDK saw before",
  level: "must",
  source: ["S-24", "S-55"],
  needs: ["sdkV1"],
  mutants: ["v1-trusts-sdk"],
  async act(kit) {
    const { store } = await kit.sdk();
    const session = kit.principal("s1");
    const finished = await made(store, session);
    // The SDK's own handler of a cancel looks first, and writes later.
    const seen = await store.getTask(finished.taskId, session);
    await store.storeTaskResult(finished.taskId, "completed", RESULT, session);
    const cancel = await anyEnd(store.updateTaskStatus(finished.taskId, "cancelled", "late", session));
    const cancelled = await made(store, session);
    await store.updateTaskStatus(cancelled.taskId, "cancelled", "in time", session);
    const result = await anyEnd(store.storeTaskResult(cancelled.taskId, "completed", RESULT, session));
    const again = await anyEnd(store.updateTaskStatus(cancelled.taskId, "working", undefined, session));
    const statuses: unknown[] = [];
    for (const { taskId } of [finished, cancelled]) statuses.push((await store.getTask(taskId, session))?.status);
    return { seen: seen?.status, cancel, result, again, statuses };
  },
  judge(expect, { seen, cancel, result, again, statuses }) {
    expect("read a working task", seen, equalTo("working"));
    expect("then finish it, and cancel it as the SDK does that had read it before", cancel, rejected);
    expect("store a result in a cancelled task", result, rejected);
    expect("set a cancelled task to working", again, rejected);
    expect("read both", statuses, equalTo(["completed", "cancelled"]));
  },
});

const wireCode = (code: number) =>
  which<WireAnswer>(`a JSON-RPC error ${code}`, (answer) => "error" in answer && answer.error.code === code);

export const codes: Rule = defineRule({
  id: "v1/codes",
  title: "A real server of the SDK answers with the codes of the specification",
  level: "must",
  source: ["S-55", "S-61", "S-62"],
  needs: ["sdkV1"],
  mutants: ["v1-plain-error"],
  async act(kit) {
    const handle = await kit.sdk();
    const session = kit.principal("s1");
    const { store } = handle;
    const racing = await made(store, session);
    // Something else finishes the task between the look and the write of the SDK's cancel.
    const finishing: SdkTaskStore = withMethods(store, {
      async updateTaskStatus(taskId, status, message, of) {
        if (status === "cancelled") await store.storeTaskResult(taskId, "completed", RESULT, of);
        await store.updateTaskStatus(taskId, status, message, of);
      },
    });
    const connection = await handle.connect(finishing, session);
    const unknown = kit.taskId("unknown");
    const answers: Readonly<Record<string, WireAnswer>> = {
      "tasks/get of an unknown id": await connection.request("tasks/get", { taskId: unknown }),
      "tasks/result of an unknown id": await connection.request("tasks/result", { taskId: unknown }),
      "tasks/cancel of an unknown id": await connection.request("tasks/cancel", { taskId: unknown }),
      "tasks/cancel that loses against a result": await connection.request("tasks/cancel", { taskId: racing.taskId }),
      "tasks/cancel of a completed task": await connection.request("tasks/cancel", { taskId: racing.taskId }),
      "tasks/list from a bad cursor": await connection.request("tasks/list", { cursor: "no such cursor" }),
    };
    const kept = await connection.request("tasks/result", { taskId: racing.taskId });
    await connection.close();
    return { answers, kept };
  },
  judge(expect, { answers, kept }) {
    for (const [did, answer] of Object.entries(answers)) expect(did, answer, wireCode(INVALID_PARAMS));
    const result = which<WireAnswer>(
      "the result",
      (answer) => "result" in answer && equalTo(RESULT["content"]).holds(answer.result["content"]),
    );
    expect("tasks/result of the task whose cancel was lost", kept, result);
  },
});

/** The store with some methods replaced; a class's other methods keep their `this`. */
function withMethods(store: SdkTaskStore, methods: Partial<SdkTaskStore>): SdkTaskStore {
  return {
    createTask: (...call) => store.createTask(...call),
    getTask: (...call) => store.getTask(...call),
    storeTaskResult: (...call) => store.storeTaskResult(...call),
    getTaskResult: (...call) => store.getTaskResult(...call),
    updateTaskStatus: (...call) => store.updateTaskStatus(...call),
    listTasks: (...call) => store.listTasks(...call),
    ...methods,
  };
}

const WIRE_FIELDS: ReadonlySet<string> = new Set([
  "taskId",
  "status",
  "statusMessage",
  "createdAt",
  "lastUpdatedAt",
  "ttl",
  "pollInterval",
  "_meta",
]);

export const fields: Rule = defineRule({
  id: "v1/fields",
  title: "A task shows the fields of the specification and no others: the SDK sends whatever is there",
  level: "promise",
  source: ["S-69", "P5"],
  needs: ["sdkV1"],
  mutants: ["v1-row-spread"],
  async act(kit) {
    const { store } = await kit.sdk();
    const session = kit.principal("s1");
    const created = await made(store, session);
    const got = await store.getTask(created.taskId, session);
    const { tasks } = await store.listTasks(undefined, session);
    return [created, got, ...tasks].flatMap((task) => Object.keys(task ?? {}).filter((key) => !WIRE_FIELDS.has(key)));
  },
  judge(expect, strange) {
    expect("look for fields of created, read and listed tasks that clients are not to see", strange, equalTo([]));
  },
});

/** All that a session can ask of a task. */
const ASKS: Readonly<
  Record<string, (handle: SdkHandle, taskId: string, session: string | undefined) => Promise<unknown>>
> = {
  getTask: ({ store }, taskId, session) => store.getTask(taskId, session),
  storeTaskResult: ({ store }, taskId, session) => store.storeTaskResult(taskId, "completed", RESULT, session),
  getTaskResult: ({ store }, taskId, session) => store.getTaskResult(taskId, session),
  updateTaskStatus: ({ store }, taskId, session) => store.updateTaskStatus(taskId, "cancelled", "mine now", session),
};

/** All of an answer that a caller can tell apart, with the id masked. */
function asSeen(end: Settled<unknown>, taskId: string): string {
  if (end.kind === "fulfilled") return `fulfilled ${JSON.stringify(end.value)}`.replaceAll(taskId, "<id>");
  const { error } = end;
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "no code";
  return `rejected ${code} ${error instanceof Error ? error.message : String(error)}`.replaceAll(taskId, "<id>");
}

export const session: Rule = defineRule({
  id: "v1/session",
  title: "To another session a task is like one that does not exist",
  level: "must",
  source: ["S-69", "S-73", "S-74", "P5"],
  needs: ["sdkV1"],
  mutants: ["v1-session-ignored"],
  async act(kit) {
    const handle = await kit.sdk();
    const [owner, other] = [kit.principal("s1"), kit.principal("s2")];
    const open = await made(handle.store, owner);
    const ended = await made(handle.store, owner);
    await handle.store.storeTaskResult(ended.taskId, "completed", RESULT, owner);
    const read = (): Promise<unknown> =>
      Promise.all([open, ended].map(({ taskId }) => handle.store.getTask(taskId, owner)));
    const before = copyOf(await read());
    // As it was made: ids of one length, of one form.
    const unknown = `${open.taskId.slice(0, -4)}0000`;
    const seen: { readonly did: string; readonly foreign: string; readonly unknown: string }[] = [];
    for (const [did, ask] of Object.entries(ASKS)) {
      for (const { taskId, status } of [open, { ...ended, status: "completed" }]) {
        seen.push({
          did: `${did} of another session's ${status} task`,
          foreign: asSeen(await anyEnd(ask(handle, taskId, other)), taskId),
          unknown: asSeen(await anyEnd(ask(handle, unknown, other)), unknown),
        });
      }
    }
    const { tasks } = await handle.store.listTasks(undefined, other);
    const listed = tasks.filter(({ taskId }) => taskId === open.taskId || taskId === ended.taskId);
    return { before, after: copyOf(await read()), seen, listed };
  },
  judge(expect, { before, after, seen, listed }) {
    for (const { did, foreign, unknown } of seen) expect(did, foreign, equalTo(unknown));
    expect("list in another session", listed, equalTo([]));
    expect("read the tasks in their own session afterwards", after, equalTo(before));
  },
});

export const unbound: Rule = defineRule({
  id: "v1/unbound",
  title: "A task without a session is nobody else's, and a caller without one is not everybody",
  level: "promise",
  source: ["S-73", "P5"],
  needs: ["sdkV1"],
  mutants: ["v1-unbound-public", "v1-queue-open"],
  // A store that shows tasks without a session to everybody is to show them to this rule only.
  isolated: true,
  async act(kit) {
    const { store, queue } = await kit.sdk();
    const [owner, other] = [kit.principal("s1"), kit.principal("s2")];
    const nobodys = await made(store, undefined);
    const found = copyOf(await anyEnd(store.getTask(nobodys.taskId, other)));
    const { tasks } = await store.listTasks(undefined, other);
    const listed = tasks.some(({ taskId }) => taskId === nobodys.taskId);
    return { found, listed, taken: queue === undefined ? undefined : await takenBy(kit, { store, queue }, owner) };
  },
  judge(expect, { found, listed, taken }) {
    expect("read a task without a session in a session", found, equalTo({ kind: "fulfilled", value: null }));
    expect("list in a session: whether the task without one is there", listed, equalTo(false));
    if (taken === undefined) return;
    expect("take the messages of a session's task without a session", taken.stolen, equalTo([]));
    expect("take them in the session then", taken.left, equalTo(2));
  },
});

/** What a caller without a session gets of a session's messages, and how many are left. */
async function takenBy(
  kit: Kit,
  { store, queue }: { readonly store: SdkTaskStore; readonly queue: NonNullable<SdkHandle["queue"]> },
  owner: string,
): Promise<{ readonly stolen: readonly unknown[]; readonly left: number }> {
  const { taskId } = await made(store, owner);
  for (const text of ["m1", "m2"]) await queue.enqueue(taskId, noteOf(text), owner);
  const one = await anyEnd(queue.dequeue(taskId));
  const all = await anyEnd(queue.dequeueAll(taskId));
  const stolen = [one, all].flatMap((end) => (end.kind === "fulfilled" ? (end.value ?? []) : []));
  return { stolen, left: (await queue.dequeueAll(taskId, owner)).length };
}

export const bare: Rule = defineRule({
  id: "v1/bare",
  title: "Nobody waits for the result of a task that was completed without one",
  level: "should",
  source: ["S-38"],
  needs: ["sdkV1"],
  mutants: ["v1-bare-hangs"],
  async act(kit) {
    const { store } = await kit.sdk();
    const owner = kit.principal("s1");
    const { taskId } = await made(store, owner);
    const update = await anyEnd(store.updateTaskStatus(taskId, "completed", undefined, owner));
    return { update, result: await kit.settles(anyEnd(store.getTaskResult(taskId, owner))) };
  },
  judge(expect, { update, result }) {
    if (update.kind === "rejected") return;
    const ends = which<typeof result>(
      "a rejection at once",
      (end) => end.kind === "fulfilled" && end.value.kind === "rejected",
    );
    expect("set a task to completed without a result, then read its result", result, ends);
  },
});
