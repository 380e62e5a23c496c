/** Every call of a store, by how many round trips it takes: a call is slow in proportion to them. */
import type { Lease, Task, TaskStore } from "@mcp-task-store/core";

export const DONE = { status: "completed", result: { words: 42 } } as const;
const ASK = { name: { method: "elicitation/create", params: { message: "Who?" } } };
const ANSWER = { name: { action: "accept", content: { name: "Ada" } } };
const NOTE = { type: "notification", message: { method: "note" }, timestamp: 0 } as const;
export const UNKNOWN = "no-such-task";

/** A task in the state that a case needs. */
export interface Scene {
  readonly store: TaskStore;
  readonly open: Task;
  readonly ended: Task;
  readonly held: Lease;
  /** Its token is not the live one any more. */
  readonly lost: Lease;
  readonly asking: Task;
  /** A message of it waits, and no other may. */
  readonly full: Task;
}

export type Call = (scene: Scene) => Promise<unknown>;
export type Case = [what: string, call: Call, refusal?: string];

export const ONE: readonly Case[] = [
  ["create", ({ store }) => store.createTask({ request: { method: "tools/call" }, metadata: { a: 1 } })],
  ["create for a principal", ({ store }) => store.scoped("alice").createTask({ idempotencyKey: "once" })],
  ["create the same again", ({ store }) => store.scoped("alice").createTask({ idempotencyKey: "once" })],
  ["create what is there", ({ store, open }) => store.createTask({ taskId: open.taskId }), "ALREADY_EXISTS"],
  ["get", ({ store, open }) => store.getTask(open.taskId)],
  ["get with request and outcome", ({ store, ended }) => store.getTask(ended.taskId, { request: true, outcome: true })],
  ["get what is not there", ({ store }) => store.getTask(UNKNOWN)],
  ["get a foreign one", ({ store, open }) => store.scoped("mallory").getTask(open.taskId)],
  ["get an outcome", ({ store, ended }) => store.getOutcome(ended.taskId)],
  ["get no outcome", ({ store }) => store.getOutcome(UNKNOWN), "TASK_NOT_FOUND"],
  ["list a page", ({ store }) => store.scoped("alice").listTasks({ limit: 1 })],
  ["list by status", ({ store }) => store.listTasks({ status: ["completed"] })],
  ["report", ({ store, open }) => store.updateTask(open.taskId, { statusMessage: "half", metadata: null })],
  ["report with a lease", ({ store, held }) => store.updateTask(held.taskId, { ttlMs: 5_000 }, { lease: held.token })],
  ["report on what is over", ({ store, ended }) => store.updateTask(ended.taskId, {}), "TASK_TERMINAL"],
  ["report without the lease", ({ store, held }) => store.updateTask(held.taskId, {}), "LEASE_LOST"],
  ["report on nothing", ({ store }) => store.updateTask(UNKNOWN, {}), "TASK_NOT_FOUND"],
  ["finish", ({ store, open }) => store.finishTask(open.taskId, DONE)],
  ["finish with a lease", ({ store, held }) => store.finishTask(held.taskId, DONE, { lease: held.token })],
  ["finish what is over", ({ store, ended }) => store.finishTask(ended.taskId, DONE), "TASK_TERMINAL"],
  [
    "finish with a lost lease",
    ({ store, lost }) => store.finishTask(lost.taskId, DONE, { lease: lost.token }),
    "LEASE_LOST",
  ],
  ["cancel", ({ store, open }) => store.cancelTask(open.taskId)],
  ["cancel what is over", ({ store, ended }) => store.cancelTask(ended.taskId), "TASK_TERMINAL"],
  ["cancel a foreign one", ({ store, open }) => store.scoped("mallory").cancelTask(open.taskId), "TASK_NOT_FOUND"],
  ["request a cancel of an idle one", ({ store, open }) => store.requestCancellation(open.taskId)],
  ["request a cancel of a held one", ({ store, held }) => store.requestCancellation(held.taskId)],
  ["request a cancel of what is over", ({ store, ended }) => store.requestCancellation(ended.taskId)],
  ["acquire", ({ store, open }) => store.acquireLease(open.taskId, { holder: "w" })],
  ["acquire what is held", ({ store, held }) => store.acquireLease(held.taskId, { holder: "w" })],
  ["acquire nothing", ({ store }) => store.acquireLease(UNKNOWN, { holder: "w" }), "TASK_NOT_FOUND"],
  ["renew", ({ store, held }) => store.renewLease(held.taskId, held.token)],
  ["renew what was lost", ({ store, lost }) => store.renewLease(lost.taskId, lost.token), "LEASE_LOST"],
  ["release", ({ store, held }) => store.releaseLease(held.taskId, held.token)],
  ["release what was lost", ({ store, lost }) => store.releaseLease(lost.taskId, lost.token), "LEASE_LOST"],
  ["push a message", ({ store, open }) => store.messages.push(open.taskId, NOTE, { messageId: "m" })],
  ["push to what is full", ({ store, full }) => push(store, full, "another"), "QUEUE_FULL"],
  ["push to nothing", ({ store }) => store.messages.push(UNKNOWN, NOTE, { messageId: "m" }), "TASK_NOT_FOUND"],
  ["shift a message", ({ store, full }) => store.messages.shift(full.taskId, { receipt: "r" })],
  ["shift where nothing waits", ({ store, ended }) => store.messages.shift(ended.taskId, { receipt: "r" })],
  ["drain messages", ({ store, full }) => store.messages.drain(full.taskId)],
  ["delete", ({ store, open }) => store.deleteTask(open.taskId)],
  ["delete nothing", ({ store }) => store.deleteTask(UNKNOWN)],
];

export const TWO: readonly Case[] = [
  // To show how it ended.
  ["push to what is over", ({ store, ended }) => push(store, ended, "late"), "TASK_TERMINAL"],
  ["ask", ({ store, open }) => store.requestInputs(open.taskId, ASK)],
  ["ask with a lease", ({ store, held }) => store.requestInputs(held.taskId, ASK, { lease: held.token })],
  // To find out that it is over, and how.
  ["wait for what is over", ({ store, ended }) => store.waitForOutcome(ended.taskId)],
  ["answer", ({ store, asking }) => store.answerInputs(asking.taskId, ANSWER)],
];

/** Makes what the cases need. */
export async function scene(store: TaskStore): Promise<Scene> {
  const lease = async ({ taskId }: Task): Promise<Lease> => {
    const taken = await store.acquireLease(taskId, { holder: "worker" });
    if (taken === undefined) throw new Error("nobody else holds it");
    return taken;
  };
  const held = async (): Promise<Lease> => lease(await store.createTask());
  const lost = async (): Promise<Lease> => {
    const first = await held();
    await lease(await store.releaseLease(first.taskId, first.token));
    return first;
  };
  const asking = async (): Promise<Task> => store.requestInputs((await store.createTask()).taskId, ASK);
  const ended = async (): Promise<Task> => store.finishTask((await store.createTask()).taskId, DONE);
  const full = async (): Promise<Task> => {
    const task = await store.createTask();
    await push(store, task, "first");
    return task;
  };
  const all = await Promise.all([store.createTask(), ended(), held(), lost(), asking(), full()]);
  return { store, open: all[0], ended: all[1], held: all[2], lost: all[3], asking: all[4], full: all[5] };
}

async function push(store: TaskStore, { taskId }: Task, messageId: string): Promise<void> {
  await store.messages.push(taskId, NOTE, { messageId, maxSize: 1 });
}
