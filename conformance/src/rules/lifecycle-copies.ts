import { isTaskStoreError } from "@mcp-task-store/core";
import { type Attempt, attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { questionFor } from "../question.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { note } from "./message-operations.ts";
import { firstOfWatch } from "./operations.ts";

/** Writes over everything inside a value that lets itself be written. */
function vandalise(value: unknown, depth = 6): void {
  if (typeof value !== "object" || value === null || depth === 0) return;
  for (const key of Object.keys(value)) {
    vandalise(Reflect.get(value, key), depth - 1);
    Reflect.set(value, key, "vandalised");
  }
  Reflect.set(value, "planted", "vandalised");
}

/** What each write gives is written over; the task is read before, by who keeps nothing of it, and after. */
async function vandalisedWrites(kit: Kit): Promise<readonly { did: string; before: unknown; after: unknown }[]> {
  const { taskId } = await kit.task({ metadata: { deep: { list: [1, 2] } } });
  const seen: { did: string; before: unknown; after: unknown }[] = [];
  const keep = async (did: string, answer: unknown): Promise<void> => {
    const before = structuredClone(await kit.B.getTask(taskId));
    vandalise(answer);
    seen.push({ did, before, after: structuredClone(await kit.A.getTask(taskId)) });
  };
  await keep("a report", await kit.A.updateTask(taskId, { statusMessage: "half" }));
  await keep("a question", await kit.A.requestInputs(taskId, { k: questionFor("k") }));
  await keep("an answer", await kit.A.answerInputs(taskId, { k: { action: "accept" } }));
  await keep("a lease", await kit.A.acquireLease(taskId, { holder: "worker", leaseMs: 3_600_000 }));
  await keep("a wish to cancel", await kit.A.requestCancellation(taskId));
  await keep("a cancel", await kit.A.cancelTask(taskId));
  return seen;
}

export const copiesOut: Rule = defineRule({
  id: "lifecycle/copies-out",
  title: "Whoever edits an answer does not edit the store",
  level: "promise",
  source: ["P2"],
  mutants: ["live-object", "live-outcome"],
  async act(kit) {
    const principal = kit.principal("p1");
    const made = await kit.A.createTask({ principal, metadata: { deep: { list: [1, 2] } } });
    const { taskId } = made;
    const before = structuredClone(await kit.B.getTask(taskId));
    vandalise(made);
    vandalise(await kit.A.getTask(taskId));
    if (kit.A.capabilities.listing) {
      const page = await kit.A.scoped(principal).listTasks();
      // A store that lists others' tasks, too, must not lose those of other rules.
      vandalise(page.tasks.find((task) => task.taskId === taskId));
      vandalise(page, 1);
    }
    vandalise(await kit.A.waitForUpdate(taskId, { since: 0, timeoutMs: kit.timing.deadlineMs }));
    vandalise(await firstOfWatch(kit.A, taskId, kit.signal));
    const open = await kit.A.getTask(taskId);
    const written = await vandalisedWrites(kit);
    // A copy: a store may give out the very outcome that it was given, and other rules need theirs.
    await kit.A.finishTask(taskId, structuredClone(COMPLETED));
    const ended = structuredClone(await kit.B.getTask(taskId, { outcome: true }));
    vandalise(await kit.A.getOutcome(taskId));
    vandalise(await kit.A.waitForOutcome(taskId, { timeoutMs: kit.timing.deadlineMs }));
    const late = await attempt(kit.A.cancelTask(taskId));
    if (late.kind === "rejected" && isTaskStoreError(late.error)) vandalise(late.error.task);
    return { before, open, written, ended, after: await kit.A.getTask(taskId, { outcome: true }) };
  },
  judge(expect, { before, open, written, ended, after }) {
    expect("write over what create, get, list, wait and watch gave, then read", open, equalTo(before));
    for (const { did, before: kept, after: read } of written)
      expect(`write over what ${did} gave, then read`, read, equalTo(kept));
    expect("write over what the outcome, its wait and a refusal gave, then read", after, equalTo(ended));
  },
});

/** Starts a call, and writes over what it was given before it has done anything. */
function spoiled<T>(given: unknown, call: Promise<T>): Promise<T> {
  vandalise(given);
  return call;
}

const QUESTION = { method: "elicitation/create", params: { message: "k?" } };
const ANSWER = { action: "accept", content: { yes: [true] } };
const METADATA = { deep: { list: [1, 2] } };
const RESULT = { rows: [{ id: 1 }] };

export const copiesIn: Rule = defineRule({
  id: "lifecycle/copies-in",
  title: "Arguments count as they are at the call",
  level: "promise",
  source: ["P2", "P10"],
  mutants: ["keeps-argument", "serialises-late", "copies-later"],
  async act(kit) {
    const { A } = kit;
    const metadata = structuredClone(METADATA);
    const { taskId } = await spoiled(metadata, A.createTask({ principal: kit.principal("p1"), metadata }));
    const created = await A.getTask(taskId);
    const inputs = { k: structuredClone(QUESTION) };
    const answers = { k: structuredClone(ANSWER) };
    const report = { metadata: { report: structuredClone(METADATA) } };
    const message = note("as it was pushed");
    const wanted = structuredClone(message);
    const calls = {
      requestInputs: await attempt(spoiled(inputs, A.requestInputs(taskId, inputs))),
      answerInputs: await attempt(spoiled(answers, A.answerInputs(taskId, answers))),
      updateTask: await attempt(spoiled(report, A.updateTask(taskId, report))),
      ...(A.capabilities.messages
        ? { push: await attempt(spoiled(message, A.messages.push(taskId, message, { messageId: "m" }))) }
        : {}),
    };
    const task = await A.getTask(taskId);
    const [pushed] = A.capabilities.messages ? await A.messages.drain(taskId) : [wanted];
    const result = structuredClone(RESULT);
    await spoiled(result, A.finishTask(taskId, { status: "completed", result }));
    return { created, calls, task, pushed, wanted, outcome: await A.getOutcome(taskId) };
  },
  judge(expect, { created, calls, task, pushed, wanted, outcome }) {
    const did = (method: string): string => `change what ${method} was given right after calling it`;
    expect(`${did("createTask")}: the metadata`, created?.metadata, equalTo(METADATA));
    for (const [method, end] of Object.entries<Attempt<unknown>>(calls)) expect(did(method), end, fulfilled());
    expect(`${did("requestInputs")}: the question`, task?.inputs["k"]?.request, equalTo(QUESTION));
    expect(`${did("answerInputs")}: the answer`, task?.inputs["k"]?.response, equalTo(ANSWER));
    expect(`${did("updateTask")}: the metadata`, task?.metadata?.["report"], equalTo(METADATA));
    expect(`${did("push")}: the message`, pushed, equalTo(wanted));
    expect(`${did("finishTask")}: the outcome`, outcome, equalTo({ status: "completed", result: RESULT }));
  },
});
