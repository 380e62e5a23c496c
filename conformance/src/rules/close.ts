import { anyEnd, type Attempt, attempt } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, refused, settled, unchanged } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { messageOperations } from "./message-operations.ts";
import { ROOT_OPERATIONS, VIEW_OPERATIONS } from "./operations.ts";

export const settles: Rule = defineRule({
  id: "close/settles",
  title: "Closing settles everything, and what it acknowledged is stored",
  level: "promise",
  source: ["P3", "P4"],
  mutants: ["close-strands", "close-fakes-ack"],
  isolated: true,
  async act(kit) {
    const store = await kit.open();
    // Its own: where opening again gives a store of its own, it knows no other.
    const { taskId, revision } = await store.createTask();
    const watch = store.watchTasks([taskId])[Symbol.asyncIterator]();
    await kit.settles(watch.next());
    const hanging = {
      "a wait for an update": store.waitForUpdate(taskId, { since: revision }),
      "a wait for the outcome": store.waitForOutcome(taskId),
      "a watch": watch.next(),
    };
    // They may end before the rule looks at them.
    for (const call of Object.values<Promise<unknown>>(hanging)) call.catch(() => undefined);
    await store.getTask(taskId);
    const ids = Array.from({ length: 50 }, (_, index) => kit.taskId(`write ${index}`));
    const writes = ids.map((id) => anyEnd(store.createTask({ taskId: id })));
    const closed = await kit.settles(store.close());
    const ends: { readonly what: string; readonly end: Attempt<unknown> }[] = [];
    for (const [what, call] of Object.entries(hanging)) ends.push({ what, end: await kit.settles<unknown>(call) });
    const acknowledged: { readonly write: Attempt<unknown>; readonly read: boolean }[] = [];
    for (const [index, id] of ids.entries()) {
      const write = await kit.settles(writes[index] ?? Promise.reject(new Error("no write")));
      const end = write.kind === "fulfilled" ? write.value : write;
      acknowledged.push({ write: end, read: !kit.opensTwice || (await kit.B.getTask(id)) !== undefined });
    }
    return { closed, ends, acknowledged };
  },
  judge(expect, { closed, ends, acknowledged }) {
    expect("close a store with waits and writes in flight", closed, settled);
    for (const { what, end } of ends) {
      expect(`close the store during ${what}`, end, settled);
      if (end.kind === "rejected") expect(`close the store during ${what}`, end, refused("CLOSED", "ABORTED"));
    }
    for (const { write, read } of acknowledged) {
      expect("close the store during a create", write, settled);
      if (write.kind !== "fulfilled") continue;
      expect("create, acknowledged during close, look for it in another process", read, equalTo(true));
    }
  },
});

export const after: Rule = defineRule({
  id: "close/after",
  title: "A closed store says so, closes twice, and closes nothing else",
  level: "promise",
  source: ["P10"],
  mutants: ["closed-hangs", "closed-pushes", "close-twice-throws", "close-kills-shared"],
  isolated: true,
  async act(kit) {
    const store = await kit.open();
    const before = await kit.task();
    const view = store.scoped(kit.principal("p1"));
    const first = await kit.settles(store.close());
    const second = await kit.settles(store.close());
    const calls: { readonly operation: string; readonly end: Attempt<unknown> }[] = [];
    const operations = { ...VIEW_OPERATIONS, ...ROOT_OPERATIONS, ...messageOperations(store) };
    for (const [operation, call] of Object.entries(operations)) {
      const end = await kit.settles(attempt(() => call(store, before.taskId, kit.timing.deadlineMs)));
      calls.push({ operation, end: end.kind === "fulfilled" ? end.value : end });
    }
    const create = await kit.settles(attempt(() => store.createTask()));
    const scoped = await kit.settles(attempt(() => view.getTask(before.taskId)));
    calls.push({ operation: "createTask", end: create.kind === "fulfilled" ? create.value : create });
    calls.push({ operation: "a view's getTask", end: scoped.kind === "fulfilled" ? scoped.value : scoped });
    return {
      before,
      first,
      second,
      calls,
      read: await attempt(kit.B.getTask(before.taskId)),
      end: await attempt(kit.A.finishTask(before.taskId, COMPLETED)),
    };
  },
  judge(expect, { before, first, second, calls, read, end }) {
    expect("close a store", first, fulfilled());
    expect("close it again", second, fulfilled());
    for (const { operation, end: call } of calls) {
      expect(`${operation} on a closed store`, call, settled);
      expect(`${operation} on a closed store`, call, refused("CLOSED"));
    }
    expect("read the task through another handle", read, fulfilled(unchanged(before)));
    expect("finish it through another handle", end, fulfilled());
  },
});
