import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import { anyEnd } from "../attempt.ts";
import type { Kit, Wired } from "../kit.ts";
import { type Want } from "../rule.ts";
import { which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { note, textOf } from "./message-operations.ts";
import { turnsOn } from "./wired-calls.ts";

const HOUR_MS = 3_600_000;
const YES: JsonObject = { action: "accept" };
/** With the write itself as many as a store has to remember. */
const WRITES_SINCE = 7;

/** A write whose answer may be lost, and what must be there in the end all the same. */
export interface LossyWrite {
  /** @returns the id of what it is about */
  readonly prepare: (kit: Kit) => Promise<string>;
  readonly send: (store: TaskStore, taskId: string) => Promise<unknown>;
  /** Writes of others that come after it. */
  readonly since?: (kit: Kit, taskId: string) => Promise<void>;
  readonly read: (kit: Kit, taskId: string) => Promise<unknown>;
  /** Reading twice gives the same, unless the write was applied again in between. */
  readonly isReadOnly: boolean;
  /** @param landed others saw it before its answer was lost; one that they did not see may have landed later */
  readonly wants: (landed: boolean) => Want<unknown>;
}

const fresh = async (kit: Kit): Promise<string> => (await kit.task()).taskId;
const readTask = (kit: Kit, taskId: string): Promise<unknown> => kit.B.getTask(taskId, { outcome: true });

function taskWith(text: string, fields: JsonObject): () => Want<unknown> {
  return () =>
    which(
      text,
      (task) =>
        typeof task === "object" &&
        task !== null &&
        Object.entries(fields).every(([key, value]) => Reflect.get(task, key) === value),
    );
}

export const LOSSY_WRITES: Readonly<Record<string, LossyWrite>> = {
  finish: {
    prepare: fresh,
    send: (store, taskId) => store.finishTask(taskId, COMPLETED),
    read: readTask,
    isReadOnly: true,
    wants: taskWith("a completed task", { status: "completed" }),
  },
  cancel: {
    prepare: fresh,
    send: (store, taskId) => store.cancelTask(taskId),
    read: readTask,
    isReadOnly: true,
    wants: () =>
      which(
        "a cancelled task, or none",
        (task) => task === undefined || taskWith("", { status: "cancelled" })().holds(task),
      ),
  },
  answer: {
    prepare: async (kit) => (await kit.asked(["k"])).taskId,
    send: (store, taskId) => store.answerInputs(taskId, { k: YES }),
    read: readTask,
    isReadOnly: true,
    wants: taskWith("a task that works again", { status: "working" }),
  },
  create: {
    prepare: async (kit) => kit.taskId(`made ${kit.random.next()}`),
    send: (store, taskId) => store.createTask({ taskId, statusMessage: "made" }),
    read: readTask,
    isReadOnly: true,
    wants: taskWith("the task", { statusMessage: "made" }),
  },
  "take a lease": {
    prepare: fresh,
    send: (store, taskId) => store.acquireLease(taskId, { holder: "w", leaseMs: HOUR_MS }),
    read: readTask,
    isReadOnly: true,
    wants: taskWith("a task that was taken once", { attempts: 1 }),
  },
  report: {
    prepare: fresh,
    send: (store, taskId) => store.updateTask(taskId, { statusMessage: "mine" }),
    read: readTask,
    isReadOnly: true,
    wants: taskWith("a task with the report", { statusMessage: "mine" }),
  },
  [`report, with ${WRITES_SINCE} reports of others since`]: {
    prepare: fresh,
    send: (store, taskId) => store.updateTask(taskId, { statusMessage: "mine" }),
    async since(kit, taskId) {
      for (let step = 1; step <= WRITES_SINCE; step += 1) await kit.B.updateTask(taskId, { statusMessage: "others'" });
    },
    read: readTask,
    isReadOnly: true,
    // One that nobody saw may still have been on its way, and have arrived among theirs: only a repeat is known to be last.
    wants: (landed) =>
      landed
        ? taskWith("a task with the report that came last", { statusMessage: "others'" })()
        : which("a task with one of the reports", (task) =>
            ["mine", "others'"].some((statusMessage) => taskWith("", { statusMessage })().holds(task)),
          ),
  },
};

/** As {@link LOSSY_WRITES}, where the store has messages. */
export const LOSSY_PUSH: LossyWrite = {
  prepare: fresh,
  send: (store, taskId) => store.messages.push(taskId, note("mine"), { messageId: "mine" }),
  isReadOnly: false,
  read: async (kit, taskId) => (await kit.B.messages.drain(taskId, { receipt: "the rule" })).map(textOf),
  wants: () => which('["mine"]', (texts) => JSON.stringify(texts) === '["mine"]'),
};

/** How many turns of its wire the write takes on a fresh subject. @throws CouldNotRun if it takes none */
export function turnsOf(kit: Kit, wired: Wired, write: LossyWrite, name: string): Promise<number> {
  return turnsOn(wired, name, async () => {
    const taskId = await write.prepare(kit);
    return () => anyEnd(write.send(wired.store, taskId));
  });
}
