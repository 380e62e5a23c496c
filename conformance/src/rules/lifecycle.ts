import type { Task, TaskOutcome, TaskStore } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { questionFor } from "../question.ts";
import { equalTo, fulfilled, refused, unchanged, unchangedOrGone, which } from "../wants.ts";
import { COMPLETED, ENDINGS } from "./endings.ts";

/** An outcome as code without types could hand it over. */
function untypedOutcome(status: string): TaskOutcome {
  return JSON.parse(JSON.stringify({ status, result: {} }));
}

export const transitions: Rule = defineRule({
  id: "lifecycle/transitions",
  title: "A task is born working and moves only along the listed transitions",
  level: "must",
  source: ["S-22", "S-23", "X-16"],
  mutants: ["born-submitted", "input-dead-end", "cancel-working-only", "status-free-text"],
  async act(kit) {
    const born = await kit.task();
    const fromInput = await Promise.all(
      ENDINGS.map(async (ending) => {
        const { taskId } = await kit.asked(["k"]);
        const end = ending.status === "cancelled" ? kit.B.cancelTask(taskId) : kit.B.finishTask(taskId, ending);
        return { ending, ended: await attempt(end) };
      }),
    );
    const asked = await kit.asked(["k"]);
    const resumed = await kit.B.answerInputs(asked.taskId, { k: { action: "accept" } });
    const target = await kit.task();
    const unknown = await Promise.all(
      ["Completed", "done", "", "submitted", "working"].map(async (status) => {
        return { status, finished: await attempt(() => kit.A.finishTask(target.taskId, untypedOutcome(status))) };
      }),
    );
    return { born, fromInput, asked, resumed, target, unknown, after: await kit.B.getTask(target.taskId) };
  },
  judge(expect, { born, fromInput, asked, resumed, target, unknown, after }) {
    expect("create a task", born.status, equalTo("working"));
    expect("ask for input", asked.status, equalTo("input_required"));
    for (const { ending, ended } of fromInput) {
      const reached = which<Task>(`a ${ending.status} task`, (task) => task.status === ending.status);
      expect(`end a task in input_required as ${ending.status}`, ended, fulfilled(reached));
    }
    expect("give the only answer", resumed.status, equalTo("working"));
    for (const { status, finished } of unknown) {
      expect(`finish with the status '${status}'`, finished, refused("INVALID_ARGUMENT"));
    }
    expect("read the task after those refusals", after, unchanged(target));
  },
});

/** Every write that a terminal task must refuse. */
const WRITES: Readonly<Record<string, (store: TaskStore, taskId: string) => Promise<unknown>>> = {
  "report a message": (store, taskId) => store.updateTask(taskId, { statusMessage: "late" }),
  "report metadata": (store, taskId) => store.updateTask(taskId, { metadata: { late: true } }),
  "complete it": (store, taskId) => store.finishTask(taskId, { status: "completed", result: { late: true } }),
  "fail it": (store, taskId) => store.finishTask(taskId, { status: "failed", error: { code: -1, message: "late" } }),
  "cancel it": (store, taskId) => store.cancelTask(taskId),
  "ask for input": (store, taskId) => store.requestInputs(taskId, { late: questionFor("late") }),
  "answer an input": (store, taskId) => store.answerInputs(taskId, { late: { action: "accept" } }),
  "force a finish": (store, taskId) => store.finishTask(taskId, COMPLETED, { force: true }),
};

export const terminalFinal: Rule = defineRule({
  id: "lifecycle/terminal-final",
  title: "Nothing changes a task that has ended",
  level: "must",
  source: ["S-24", "S-58", "P1"],
  guards: ["https://github.com/a2aproject/a2a-rs/pull/126"],
  mutants: ["terminal-message-edit", "terminal-same-ok"],
  act: (kit) =>
    Promise.all(
      ENDINGS.flatMap((ending) =>
        Object.entries(WRITES).map(async ([write, call], index) => {
          const before = await kit.ended(ending);
          const store = index % 2 === 0 ? kit.A : kit.B;
          const done = await attempt(call(store, before.taskId));
          return { write, before, done, after: await kit.B.getTask(before.taskId, { outcome: true }) };
        }),
      ),
    ),
  judge(expect, seen) {
    for (const { write, before, done, after } of seen) {
      const gone = before.status === "cancelled" ? (["TASK_NOT_FOUND"] as const) : [];
      expect(`${write} when it is ${before.status}`, done, refused("TASK_TERMINAL", ...gone));
      expect(`${write} when it is ${before.status}, then read it`, after, unchangedOrGone(before));
    }
  },
});

/** Returns when the backend's clock, as stored times show it, is past an instant. */
async function clockBeyond(kit: Kit, instant: string): Promise<void> {
  await kit.until(
    () => kit.B.createTask(),
    (later) => !(Date.parse(later.createdAt) <= Date.parse(instant)),
  );
}

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

export const times: Rule = defineRule({
  id: "lifecycle/times",
  title: "createdAt and lastUpdatedAt are ISO 8601, in order, and createdAt stays",
  level: "must",
  source: ["S-31", "S-32"],
  mutants: ["time-epoch", "created-rewritten"],
  async act(kit) {
    const born = await kit.task();
    const { taskId } = born;
    // Later steps happen at another time, or nothing would show that createdAt moved.
    await clockBeyond(kit, born.createdAt);
    const steps = [
      born,
      await kit.B.updateTask(taskId, { statusMessage: "half" }),
      await kit.A.requestInputs(taskId, { k: questionFor("k") }),
      await kit.B.answerInputs(taskId, { k: { action: "accept" } }),
      await kit.A.finishTask(taskId, COMPLETED),
      await kit.B.getTask(taskId),
    ];
    return { born, steps };
  },
  judge(expect, { born, steps }) {
    const iso = which<string>(
      "an ISO 8601 instant with a zone",
      (text) => typeof text === "string" && ISO_8601.test(text),
    );
    for (const [index, task] of steps.entries()) {
      if (task === undefined) continue;
      const did = `look at the task after step ${index} of its life`;
      expect(`${did}: createdAt`, task.createdAt, iso);
      expect(`${did}: lastUpdatedAt`, task.lastUpdatedAt, iso);
      expect(`${did}: createdAt`, task.createdAt, equalTo(born.createdAt));
      const ordered = Date.parse(task.createdAt) <= Date.parse(task.lastUpdatedAt);
      expect(
        did,
        task,
        which("createdAt at or before lastUpdatedAt", () => ordered),
      );
    }
  },
});

export const updatedMoves: Rule = defineRule({
  id: "lifecycle/updated-moves",
  title: "Every report moves lastUpdatedAt",
  level: "must",
  source: ["S-32"],
  mutants: ["updated-frozen"],
  async act(kit) {
    const before = await kit.task();
    await clockBeyond(kit, before.lastUpdatedAt);
    return { before, after: await kit.A.updateTask(before.taskId, { statusMessage: "half done" }) };
  },
  judge(expect, { before, after }) {
    const later = which<string>(
      `later than ${before.lastUpdatedAt}`,
      (at) => Date.parse(at) > Date.parse(before.lastUpdatedAt),
    );
    expect("report a message when the clock has moved on", after.lastUpdatedAt, later);
  },
});

export const updatedByAll: Rule = defineRule({
  id: "lifecycle/updated-by-all",
  title: "Every question, answer and end moves lastUpdatedAt",
  level: "must",
  source: ["S-32"],
  mutants: ["updated-by-report-only"],
  async act(kit) {
    const before = await kit.task();
    const { taskId } = before;
    const steps = [{ did: "create it", task: before }];
    const step = async (did: string, write: () => Promise<Task>): Promise<void> => {
      await clockBeyond(kit, steps.at(-1)?.task.lastUpdatedAt ?? "");
      steps.push({ did, task: await write() });
    };
    await step("ask for input", () => kit.B.requestInputs(taskId, { k: questionFor("k") }));
    await step("answer it", () => kit.A.answerInputs(taskId, { k: { action: "accept" } }));
    await step("complete it", () => kit.B.finishTask(taskId, COMPLETED));
    return steps;
  },
  judge(expect, steps) {
    for (const [index, { did, task }] of steps.entries()) {
      const before = steps[index - 1]?.task.lastUpdatedAt;
      if (before === undefined) continue;
      const later = which<string>(`later than ${before}`, (at) => Date.parse(at) > Date.parse(before));
      expect(`${did} when the clock has moved on`, task.lastUpdatedAt, later);
    }
  },
});

export const revision: Rule = defineRule({
  id: "lifecycle/revision",
  title: "The revision grows with each accepted write and with nothing else",
  level: "promise",
  source: ["P4"],
  mutants: ["revision-flat", "revision-on-refusal"],
  async act(kit) {
    const born = await kit.task();
    const { taskId } = born;
    const accepted = [born];
    accepted.push(await kit.B.updateTask(taskId, { statusMessage: "half" }));
    accepted.push(await kit.A.updateTask(taskId, { metadata: { n: 1 } }));
    accepted.push(await kit.B.requestInputs(taskId, { k: questionFor("k") }));
    accepted.push(await kit.A.answerInputs(taskId, { k: { action: "accept" } }));
    accepted.push(await kit.B.finishTask(taskId, COMPLETED));
    const refusals = await Promise.all([
      attempt(kit.A.updateTask(taskId, { statusMessage: "late" })),
      attempt(kit.B.cancelTask(taskId)),
    ]);
    return { accepted, refusals, after: await kit.A.getTask(taskId) };
  },
  judge(expect, { accepted, refusals, after }) {
    for (const [index, task] of accepted.entries()) {
      const before = accepted[index - 1];
      if (before === undefined) continue;
      const more = which<number>(`more than ${before.revision}`, (seen) => seen > before.revision);
      expect(`carry out write ${index} and look at the revision`, task.revision, more);
    }
    for (const refusal of refusals) expect("write to it once it has ended", refusal, refused("TASK_TERMINAL"));
    expect("look at the revision after those refusals", after?.revision, equalTo(accepted.at(-1)?.revision));
  },
});

export const message: Rule = defineRule({
  id: "lifecycle/message",
  title: "The last message that was given is the one that is read",
  level: "should",
  source: ["S-65", "X-55"],
  mutants: ["message-dropped", "message-empty-kept", "end-message-empty-kept"],
  async act(kit) {
    const { taskId } = await kit.task({ statusMessage: "made" });
    const read = async (): Promise<string | undefined> => (await kit.B.getTask(taskId))?.statusMessage;
    const made = await read();
    await kit.A.updateTask(taskId, { metadata: { n: 1 } });
    const omitted = await read();
    await kit.A.updateTask(taskId, { statusMessage: "half" });
    const replaced = await read();
    await kit.A.updateTask(taskId, { statusMessage: "" });
    const emptied = await read();
    await kit.A.updateTask(taskId, { statusMessage: "almost" });
    await kit.A.finishTask(taskId, COMPLETED);
    const finished = await read();
    const second = await kit.task();
    await kit.A.finishTask(second.taskId, COMPLETED, { statusMessage: "all done" });
    const given = (await kit.B.getTask(second.taskId))?.statusMessage;
    const third = await kit.task({ statusMessage: "made" });
    await kit.A.finishTask(third.taskId, COMPLETED, { statusMessage: "" });
    const endedEmpty = (await kit.B.getTask(third.taskId))?.statusMessage;
    const failed = await kit.ended({ status: "failed", error: { code: -32000, message: "no more disk" } });
    return { made, omitted, replaced, emptied, finished, given, endedEmpty, failed };
  },
  judge(expect, { made, omitted, replaced, emptied, finished, given, endedEmpty, failed }) {
    expect("create with a message", made, equalTo("made"));
    expect("report without a message", omitted, equalTo("made"));
    expect("report another message", replaced, equalTo("half"));
    expect("report an empty message", emptied ?? "", equalTo(""));
    expect("complete without a message", finished, equalTo("almost"));
    expect("complete with a message", given, equalTo("all done"));
    expect("complete with an empty message", endedEmpty ?? "", equalTo(""));
    const some = which<string | undefined>(
      "a message, since the task failed",
      (text) => typeof text === "string" && text !== "",
    );
    expect("fail without a message of its own", failed.statusMessage, some);
  },
});

export const readYourWrites: Rule = defineRule({
  id: "lifecycle/read-your-writes",
  title: "What a call acknowledged, every process sees at once",
  level: "must",
  source: ["X-11", "S-57", "P3"],
  mutants: ["peer-cache", "create-deferred", "cancel-background"],
  async act(kit) {
    const seen: { readonly did: string; readonly wrote: Task; readonly read: Task | undefined }[] = [];
    const note = async (did: string, write: Promise<Task>): Promise<Task> => {
      const wrote = await write;
      seen.push({ did, wrote, read: await kit.B.getTask(wrote.taskId) });
      return wrote;
    };
    for (let round = 0; round < 40; round += 1) {
      const { taskId } = await note("create", kit.task());
      await note("report", kit.A.updateTask(taskId, { statusMessage: `round ${round}` }));
      await note("ask", kit.A.requestInputs(taskId, { k: questionFor("k") }));
      await note("answer", kit.A.answerInputs(taskId, { k: { action: "accept" } }));
      await note("end", round % 2 === 0 ? kit.A.cancelTask(taskId) : kit.A.finishTask(taskId, COMPLETED));
    }
    return seen;
  },
  judge(expect, seen) {
    for (const { did, wrote, read } of seen) {
      expect(`${did} by A, acknowledged, then read by B`, read, unchangedOrGone(wrote));
    }
  },
});
