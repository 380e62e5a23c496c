import { inspect } from "node:util";
import type { Task } from "@mcp-task-store/core";
import { type Attempt, attempt } from "../attempt.ts";
import { isError } from "../is-error.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { questionFor } from "../question.ts";
import { equalTo, fulfilled, notFound, notFoundBy, refused, settled, which } from "../wants.ts";
import { COMPLETED, FAILED } from "./endings.ts";
import { idsOf, tasksOf, walk } from "./listing.ts";
import { fingerprint, firstOfWatch, VIEW_OPERATIONS } from "./operations.ts";

export const everyOp: Rule = defineRule({
  id: "scope/every-op",
  title: "A foreign, deleted or expired task looks like one that never was",
  level: "must",
  source: ["S-61", "S-69", "S-73", "X-33", "X-39", "X-51", "X-59", "P5"],
  mutants: [
    ...["get", "outcome", "cancel", "coop", "answer", "delete", "wait", "waitOutcome", "watch"].map(
      (op) => `scope-open-${op}`,
    ),
    "null-reads-outcome",
    "foreign-forbidden",
    "foreign-says-terminal",
  ],
  async arrange(kit) {
    const owner = kit.principal("p1");
    const open = await kit.task({ principal: owner });
    const asked = await kit.task({ principal: owner });
    const ended = await kit.task({ principal: owner });
    const failed = await kit.task({ principal: owner });
    const cancelled = await kit.task({ principal: owner });
    const leased = await kit.task({ principal: owner });
    const deleted = await kit.task({ principal: kit.principal("p2") });
    const expired = await kit.task({ principal: kit.principal("p2"), ttlMs: kit.timing.unitMs });
    await kit.A.requestInputs(asked.taskId, { k: questionFor("k") });
    await kit.A.finishTask(ended.taskId, COMPLETED);
    await kit.A.finishTask(failed.taskId, FAILED);
    await kit.A.cancelTask(cancelled.taskId);
    await kit.A.acquireLease(leased.taskId, { holder: "worker", leaseMs: 3_600_000 });
    await kit.A.deleteTask(deleted.taskId);
    await kit.elapse(kit.timing.unitMs);
    const strangers = {
      "another principal's working task": open.taskId,
      "another principal's task in input_required": asked.taskId,
      "another principal's completed task": ended.taskId,
      "another principal's failed task": failed.taskId,
      "another principal's cancelled task": cancelled.taskId,
      "another principal's leased task": leased.taskId,
      "a deleted task": deleted.taskId,
      "an expired task": expired.taskId,
    };
    // A cancelled one may vanish by itself (S-59).
    const owned = [open, asked, ended, failed, leased];
    return { strangers, before: await Promise.all(owned.map((task) => kit.A.getTask(task.taskId))) };
  },
  async act(kit, { strangers, before }) {
    const random = kit.taskId("never");
    const patience = kit.timing.deadlineMs;
    const views = {
      "another principal": kit.B.scoped(kit.principal("p2")),
      "a caller without one": kit.B.scoped(null),
    };
    const asked = Object.entries(views).flatMap(([who, view]) =>
      Object.entries(VIEW_OPERATIONS).map(([operation, call]) => ({ who, view, operation, call })),
    );
    const calls = await Promise.all(
      asked.map(async ({ who, view, operation, call }) => {
        const control = await attempt(() => call(view, random, patience));
        const answers = await Promise.all(
          Object.entries(strangers).map(async ([what, taskId]) => {
            const answer = await attempt(() => call(view, taskId, patience));
            return { what, answer, print: fingerprint(answer, taskId) };
          }),
        );
        return { who, operation, control, print: fingerprint(control, random), answers };
      }),
    );
    const after = await Promise.all(before.map((task) => kit.A.getTask(task?.taskId ?? "")));
    return { calls, after };
  },
  judge(expect, { calls, after }, { before }) {
    for (const { who, operation, control, print, answers } of calls) {
      expect(`${operation} of an id that never was, as ${who}`, control, notFoundBy(operation));
      for (const { what, answer, print: seen } of answers) {
        expect(`${operation} of ${what}, as ${who}`, answer, notFoundBy(operation));
        expect(`${operation} of ${what}, as ${who}: all that a caller can tell apart`, seen, equalTo(print));
      }
    }
    expect("read those tasks again", after, equalTo(before));
  },
});

export const noOracle: Rule = defineRule({
  id: "scope/no-oracle",
  title: "Waiting for a foreign task does not block",
  level: "promise",
  source: ["P5", "X-59"],
  mutants: ["foreign-wait-blocks"],
  async act(kit) {
    const { taskId, revision } = await kit.task();
    const view = kit.B.scoped(kit.principal("stranger"));
    return {
      update: await kit.settles(view.waitForUpdate(taskId, { since: revision, signal: kit.signal })),
      outcome: await kit.settles(view.waitForOutcome(taskId, { signal: kit.signal })),
      change: await kit.settles(firstOfWatch(view, taskId, kit.signal)),
    };
  },
  judge(expect, seen) {
    for (const [name, call] of Object.entries(seen)) {
      expect(`wait for a foreign task's ${name}`, call, settled);
      expect(`wait for a foreign task's ${name}`, call, notFound);
    }
  },
});

export const listOwn: Rule = defineRule({
  id: "scope/list-own",
  title: "A listing shows the principal's own tasks, in full pages, and nothing of others'",
  level: "must",
  source: ["S-74", "P5"],
  needs: ["listing"],
  guards: ["https://github.com/prebid/salesagent/issues/1808"],
  mutants: ["list-unscoped", "list-filter-late"],
  async act(kit) {
    const own: Task[] = [];
    for (let index = 0; index < 6; index += 1) {
      await kit.task({ principal: kit.principal("p1") });
      await kit.task({ principal: kit.principal("p1") });
      own.push(await kit.task({ principal: kit.principal("p2") }));
    }
    for (let index = 0; index < 4; index += 1) await kit.task({ principal: kit.principal("p1") });
    return { own: own.map((task) => task.taskId), pages: await walk(kit.B.scoped(kit.principal("p2")), 3) };
  },
  judge(expect, { own, pages }) {
    expect("list one principal's six tasks among others'", idsOf(tasksOf(pages)).toSorted(), equalTo(own.toSorted()));
    const sizes = pages.map((page) => page.tasks.length);
    // The last full page may say that there may be more.
    expect("look at the sizes of the pages", sizes.at(-1) === 0 ? sizes.slice(0, -1) : sizes, equalTo([3, 3]));
  },
});

const NAMES: readonly string[] = [
  "key",
  "Key",
  "key ",
  " key",
  "ke",
  "keyy",
  "key%",
  "k_y",
  "key*",
  "\u00e9",
  "e\u0301",
  "a",
  "a:b",
  "a/b",
  "null",
];

export const exact: Rule = defineRule({
  id: "scope/exact",
  title: "Principals are the same only if they are the same to the byte",
  level: "must",
  source: ["S-69", "P5"],
  mutants: ["scope-casefold", "scope-prefix", "scope-trim", "scope-joined-key"],
  isolated: true,
  async act(kit) {
    const lists = kit.B.capabilities.listing;
    const tasks = await Promise.all(
      NAMES.map((principal, index) => kit.task({ principal, taskId: index % 2 === 0 ? `b:c${index}` : `c${index}` })),
    );
    const seen = await Promise.all(
      NAMES.map(async (principal, index) => {
        const view = kit.B.scoped(principal);
        const reads = await Promise.all(tasks.map((task) => view.getTask(task.taskId)));
        const readable = reads.flatMap((task, at) => (task === undefined ? [] : [at]));
        const own = tasks[index]?.taskId;
        return { principal, index, own, readable, listed: lists ? idsOf(tasksOf(await walk(view, 50))) : [own] };
      }),
    );
    // Joined by a colon, principal and id of these two are the same text.
    const first = await kit.task({ principal: "x", taskId: "y:z" });
    const read = await attempt(kit.B.scoped("x:y").getTask("z"));
    const second = await attempt(kit.task({ principal: "x:y", taskId: "z" }));
    return { seen, joined: { first, read, second, after: await kit.B.getTask("y:z") } };
  },
  judge(expect, { seen, joined }) {
    expect("create y:z for x, read z as x:y", joined.read, fulfilled(equalTo(undefined)));
    expect("create z for x:y", joined.second, fulfilled());
    expect("read y:z", joined.after, equalTo(joined.first));
    for (const { principal, index, own, readable, listed } of seen) {
      const did = `as principal ${JSON.stringify(principal)}`;
      expect(
        `read everybody's tasks ${did}`,
        readable.map((at) => NAMES[at]),
        equalTo([NAMES[index]]),
      );
      expect(`list ${did}`, listed, equalTo([own]));
    }
  },
});

/** A principal as code without types could hand it over. */
function untyped(text: string): string | null {
  return JSON.parse(`{"principal":${text}}`).principal;
}

const ROOT_ONLY: readonly string[] = [
  "finishTask",
  "updateTask",
  "requestInputs",
  "acquireLease",
  "renewLease",
  "releaseLease",
  "scoped",
  "setup",
  "maintain",
  "close",
];

export const failClosed: Rule = defineRule({
  id: "scope/fail-closed",
  title: "No missing or odd principal makes a caller unscoped",
  level: "promise",
  source: ["S-72", "P5"],
  guards: ["https://github.com/prebid/salesagent/issues/1128"],
  mutants: ["scope-empty-is-root", "null-is-root", "null-lists", "view-inherits-root"],
  async act(kit) {
    const { taskId } = await kit.task();
    const unowned = await kit.A.createTask();
    const refusals = await Promise.all(
      ['""', "{}", "[]", "7", "true"].map(async (text) => {
        return { text, made: await attempt(async () => kit.A.scoped(untyped(text)).principal) };
      }),
    );
    const missing = await attempt(async () => kit.A.scoped(JSON.parse("{}").principal).principal);
    const nobody = kit.B.scoped(null);
    const view = kit.B.scoped(kit.principal("p1"));
    return {
      refusals: [...refusals, { text: "undefined", made: missing }],
      owned: await attempt(nobody.getTask(taskId)),
      own: await attempt(nobody.getTask(unowned.taskId)),
      listed: await attempt(nobody.listTasks()),
      beyond: ROOT_ONLY.filter((name) => name in view || name in nobody),
    };
  },
  judge(expect, { refusals, owned, own, listed, beyond }) {
    for (const { text, made } of refusals) expect(`ask for the view of ${text}`, made, refused("INVALID_ARGUMENT"));
    expect("read an owned task without a principal", owned, notFound);
    expect(
      "read an unowned task without a principal",
      own,
      fulfilled(which("that task", (task) => task !== undefined)),
    );
    expect("list without a principal", listed, refused("NOT_SUPPORTED"));
    expect("look for the root's methods on a view", beyond, equalTo([]));
  },
});

/** What p1 reads of a task, if it was made, and lists, if the store does. */
async function ownersView(kit: Kit, taskId: string | undefined): Promise<readonly Attempt<unknown>[]> {
  const view = kit.B.scoped(kit.principal("p1"));
  const { tasks } = kit.B.capabilities.listing ? await view.listTasks() : { tasks: [] };
  return [
    taskId === undefined ? { kind: "fulfilled", value: undefined } : await attempt(view.getTask(taskId)),
    { kind: "fulfilled", value: tasks.length === 0 ? undefined : tasks },
  ];
}

export const owner: Rule = defineRule({
  id: "scope/owner",
  title: "The owner comes from the view alone, and unowned tasks are nobody's",
  level: "promise",
  source: ["S-69", "S-73", "S-74", "P5"],
  mutants: ["scope-from-params", "unowned-public"],
  async act(kit) {
    const p1 = kit.principal("p1");
    const view = kit.A.scoped(kit.principal("p2"));
    const tries = await Promise.all(
      ["principal", "scope", "owner"].map(async (name) => {
        const params: object = { [name]: p1, metadata: { scope: p1, principal: p1, owner: p1 } };
        const made = await attempt(() => view.createTask(params));
        return { name, seen: await ownersView(kit, made.kind === "fulfilled" ? made.value.taskId : undefined) };
      }),
    );
    const unowned = await kit.A.createTask();
    return [...tries, { name: "no principal", seen: await ownersView(kit, unowned.taskId) }];
  },
  judge(expect, seen) {
    for (const { name, seen: calls } of seen) {
      for (const [index, call] of calls.entries()) {
        expect(
          `create with ${name} in the parameters; p1, who made nothing, ${index === 0 ? "reads" : "lists"}`,
          call,
          notFound,
        );
      }
    }
  },
});

export const cleanErrors: Rule = defineRule({
  id: "scope/clean-errors",
  title: "An error tells nothing of another's task",
  level: "promise",
  source: ["P5"],
  mutants: ["error-dumps-row"],
  async act(kit) {
    const plant = `planted-${kit.random.seed}`;
    const task = await kit.task({
      principal: `owner ${plant}`,
      statusMessage: plant,
      metadata: { note: plant },
      request: { method: "tools/call", name: plant, params: { note: plant } },
    });
    await kit.A.finishTask(task.taskId, { status: "completed", result: { note: plant } });
    const view = kit.B.scoped(kit.principal("p2"));
    const calls = await Promise.all(
      Object.entries(VIEW_OPERATIONS).map(async ([operation, call]) => {
        const answer = await attempt(() => call(view, task.taskId, kit.timing.deadlineMs));
        const text = answer.kind === "rejected" ? fullText(answer.error) : inspect(answer, { depth: 10 });
        return { operation, leaks: text.includes(plant) };
      }),
    );
    const taken = await attempt(kit.B.createTask({ taskId: task.taskId }));
    return [
      ...calls,
      { operation: "createTask", leaks: taken.kind === "rejected" && fullText(taken.error).includes(plant) },
    ];
  },
  judge(expect, seen) {
    for (const { operation, leaks } of seen) {
      expect(`${operation} of another's task and search all of the answer for its contents`, leaks, equalTo(false));
    }
  },
});

/** Everything that logging an error could show, hidden properties included. */
function fullText(error: unknown): string {
  const json = isError(error) ? JSON.stringify([Object.entries(error), error.message, error.stack]) : "";
  return `${inspect(error, { depth: 10, showHidden: true })} ${json}`;
}
