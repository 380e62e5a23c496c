import type { Attempt } from "../attempt.ts";
import { attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { questionFor } from "../question.ts";
import { equalTo, fulfilled, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { note, textOf } from "./message-operations.ts";

/** A task that has all that an open task can have. */
async function full(kit: Kit, name: string): Promise<string> {
  const taskId = kit.taskId(name);
  await kit.task({ taskId, statusMessage: "old", metadata: { old: true } });
  await kit.A.requestInputs(taskId, { k: questionFor("old") });
  await kit.A.answerInputs(taskId, { k: { action: "accept", content: { old: true } } });
  if (!kit.A.capabilities.messages) return taskId;
  for (const text of ["m0", "m1"]) await kit.A.messages.push(taskId, note(`old ${text}`), { messageId: text });
  await kit.A.messages.shift(taskId, { receipt: "r" });
  return taskId;
}

async function messagesBornAgain(kit: Kit, taskId: string): Promise<Readonly<Record<string, Attempt<unknown>>>> {
  return {
    "its messages": await attempt(kit.A.messages.drain(taskId)),
    "what the old receipt gets": await attempt(async () => {
      return (await kit.A.messages.shift(taskId, { receipt: "r" })) ?? "none";
    }),
    "its messages once the old ids are pushed": await attempt(async () => {
      for (const text of ["m0", "m1"]) await kit.B.messages.push(taskId, note(text), { messageId: text });
      return (await kit.A.messages.drain(taskId)).map(textOf);
    }),
  };
}

/** What a new task of the same id has, and what it lets be done. */
async function bornAgain(kit: Kit, taskId: string): Promise<Readonly<Record<string, Attempt<unknown>>>> {
  const task = await kit.B.createTask({ taskId });
  return {
    "its inputs": { kind: "fulfilled", value: task.inputs },
    "its status message": { kind: "fulfilled", value: task.statusMessage ?? "none" },
    "its metadata": { kind: "fulfilled", value: task.metadata ?? "none" },
    "its outcome": await attempt(async () => (await kit.A.getOutcome(taskId)) ?? "none"),
    ...(kit.A.capabilities.messages ? await messagesBornAgain(kit, taskId) : {}),
    "its questions once the old key is asked": await attempt(async () => {
      return (await kit.B.requestInputs(taskId, { k: questionFor("new") })).inputs;
    }),
  };
}

const EXPECTED: Readonly<Record<string, unknown>> = {
  "its inputs": {},
  "its status message": "none",
  "its metadata": "none",
  "its outcome": "none",
  "its messages": [],
  "what the old receipt gets": "none",
  "its messages once the old ids are pushed": ["m0", "m1"],
  "its questions once the old key is asked": { k: { request: questionFor("new") } },
};

export const allGone: Rule = defineRule({
  id: "ttl/all-gone",
  title: "Everything of a task goes with it: a new one of its id starts with nothing",
  level: "promise",
  source: ["S-78", "P7"],
  mutants: ["queue-outlives", "inputs-outlive", "outcome-outlives"],
  isolated: true,
  async act(kit) {
    const [deleted, purged, expired] = [
      await full(kit, "deleted"),
      await full(kit, "purged"),
      await full(kit, "expired"),
    ];
    await kit.A.finishTask(deleted, COMPLETED);
    await kit.B.deleteTask(deleted);
    const births: Record<string, Readonly<Record<string, Attempt<unknown>>>> = {};
    births["deleted"] = await bornAgain(kit, deleted);
    // The last that is done to them: no machine is too slow for that.
    for (const taskId of [purged, expired]) await kit.A.updateTask(taskId, { ttlMs: kit.timing.unitMs });
    await kit.elapse(kit.timing.unitMs);
    births["expired, not purged"] = await bornAgain(kit, expired);
    await kit.B.maintain();
    births["expired and purged"] = await bornAgain(kit, purged);
    return births;
  },
  judge(expect, births) {
    for (const [how, seen] of Object.entries(births)) {
      for (const [what, end] of Object.entries(seen)) {
        const wanted = equalTo(EXPECTED[what]);
        const did = `create the id of a task that was ${how}: ${what}`;
        expect(did, end, fulfilled(which(wanted.text, (value) => wanted.holds(value))));
      }
    }
  },
});
