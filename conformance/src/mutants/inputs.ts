import type { InputRequest, TaskInput } from "@mcp-task-store/core";
import { isTerminal, TaskStoreError } from "@mcp-task-store/core";
import { parseInputs } from "@mcp-task-store/core/transitions";
import { defineMutant, type Mutant, type Plot } from "./mutant.ts";
import { changeWithout, eachAlternative, intercepting, rewriting, unguarded } from "./over-driver.ts";
import { onCode, overStore } from "./over-store.ts";

/** Changes a task's stored inputs past every guard. */
function patchInputs({ backend }: Plot, taskId: string, change: (inputs: Map<string, TaskInput>) => void): void {
  backend.patch(taskId, (row) => {
    const inputs = new Map(parseInputs(row.inputs));
    change(inputs);
    return { inputs: JSON.stringify(Object.fromEntries(inputs)), inputsId: `patched ${backend.nowUs()}` };
  });
}

export const inputs: readonly Mutant[] = [
  defineMutant({
    name: "ask-two-writes",
    fault: "The status is written first, the questions a moment later.",
    killedBy: ["inputs/ask-atomic"],
    mayAlso: ["inputs"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const text = write.alternatives[0]?.then.set?.inputs;
        const before = backend.rows.get(write.taskId)?.inputs ?? null;
        if (kind !== "ask" || text === undefined) return send(write);
        const answer = await send(
          eachAlternative(write, ({ when, then }) => ({
            when,
            then: { ...then, set: { ...then.set, inputs: before } },
          })),
        );
        if (answer.kind !== "written") return answer;
        for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
        fired();
        backend.patch(write.taskId, () => ({ inputs: text }));
        return { ...answer, row: { ...answer.row, inputs: text } };
      }),
  }),
  defineMutant({
    name: "ask-replaces",
    fault: "New questions replace the open ones.",
    killedBy: ["inputs/open-only"],
    mayAlso: ["inputs/strangers"],
    driver: (driver, { backend, fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "ask") return write;
        const known = parseInputs(backend.rows.get(write.taskId)?.inputs ?? null);
        if (known.size > 0) fired();
        return eachAlternative(write, ({ when, then }) => {
          const fresh = [...parseInputs(then.set?.inputs ?? null)].filter(([key]) => !known.has(key));
          return { when, then: { ...then, set: { ...then.set, inputs: JSON.stringify(Object.fromEntries(fresh)) } } };
        });
      }),
  }),
  defineMutant({
    name: "partial-resumes",
    fault: "The first answer resumes the task.",
    killedBy: ["inputs/open-only"],
    mayAlso: ["inputs"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "answer" || write.alternatives.length > 1) return write;
        fired();
        return eachAlternative(write, ({ when, then }) => ({
          when,
          then: { ...then, set: { ...then.set, status: "working" } },
        }));
      }),
  }),
  defineMutant({
    name: "never-resumes",
    fault: "The last answer does not resume the task.",
    killedBy: ["inputs/open-only"],
    mayAlso: [
      "cancel/race-update",
      "durable/own-win",
      "inputs/race",
      "inputs/handover",
      "exec/inputs",
      "lifecycle/transitions",
      "lease/claim",
    ],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "answer" || write.alternatives.length < 2) return write;
        fired();
        return eachAlternative(write, ({ when, then }) => {
          const { status: _status, ...set } = then.set ?? {};
          return { when, then: { ...changeWithout(then, "claimInMs"), set } };
        });
      }),
  }),
  defineMutant({
    name: "answer-overwrites",
    fault: "A later answer to the same key replaces the first.",
    killedBy: ["inputs/race"],
    mayAlso: ["inputs/strangers", "lifecycle/copies-in"],
    store: (store, plot) =>
      overStore(store, {
        methods: (inner) => ({
          async answerInputs(taskId, answers, options) {
            const task = await inner.answerInputs(taskId, answers, options);
            patchInputs(plot, taskId, (stored) => {
              for (const [key, response] of Object.entries(answers)) {
                const known = stored.get(key);
                if (known?.response === undefined || JSON.stringify(known.response) === JSON.stringify(response))
                  continue;
                plot.fired();
                stored.set(key, { request: known.request, response });
              }
            });
            return task;
          },
        }),
      }),
  }),
  defineMutant({
    name: "answers-lost-update",
    fault: "The map of inputs is rewritten without a condition.",
    killedBy: ["inputs/race"],
    driver: (driver, { backend, fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "answer") return write;
        const expected = write.alternatives[0]?.when.expectedInputs;
        if (expected !== backend.rows.get(write.taskId)?.inputsId) fired();
        return unguarded(write, "expectedInputs");
      }),
  }),
  defineMutant({
    name: "answer-preseeds",
    fault: "An answer to an unknown key is kept until somebody asks.",
    killedBy: ["inputs/strangers"],
    store: (store, plot) =>
      overStore(store, {
        methods: (inner) => ({
          async answerInputs(taskId, answers, options) {
            const task = await inner.answerInputs(taskId, answers, options);
            for (const [key, answer] of Object.entries(answers)) {
              if (!Object.hasOwn(task.inputs, key)) plot.notes.set(`${taskId} ${key}`, JSON.stringify(answer));
            }
            return task;
          },
        }),
        root: (inner) => ({
          async requestInputs(taskId, questions, options) {
            const task = await inner.requestInputs(taskId, questions, options);
            for (const key of Object.keys(questions)) {
              const text = plot.notes.get(`${taskId} ${key}`);
              if (text === undefined) continue;
              plot.fired();
              patchInputs(plot, taskId, (stored) => {
                const known = stored.get(key);
                if (known !== undefined) stored.set(key, { request: known.request, response: JSON.parse(text) });
              });
            }
            return task;
          },
        }),
      }),
  }),
  defineMutant({
    name: "stranger-throws",
    fault: "An answer to an unknown key is refused.",
    killedBy: ["inputs/strangers"],
    mayAlso: ["lifecycle/copies-in", "lease/claim-kept"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async answerInputs(taskId, answers, options) {
            const task = await inner.getTask(taskId);
            const known = task?.inputs ?? answers;
            if (
              task === undefined ||
              isTerminal(task.status) ||
              Object.keys(answers).every((key) => Object.hasOwn(known, key))
            ) {
              return inner.answerInputs(taskId, answers, options);
            }
            fired();
            throw new TaskStoreError("INVALID_ARGUMENT", "Nobody asked that.", { argument: "answers" });
          },
        }),
      }),
  }),
  defineMutant({
    name: "key-reused",
    fault: "A key may be asked again for something else.",
    killedBy: ["inputs/key-once"],
    mayAlso: ["bad/typed", "durable/reopen"],
    store: (store, plot) =>
      overStore(store, {
        root: (inner) => ({
          requestInputs: (taskId, questions, options) =>
            onCode("INPUT_KEY_REUSED", inner.requestInputs(taskId, questions, options), async () => {
              plot.fired();
              patchInputs(plot, taskId, (stored) => replace(stored, questions));
              return (await inner.getTask(taskId)) ?? inner.requestInputs(taskId, questions, options);
            }),
        }),
      }),
  }),
  defineMutant({
    name: "reask-reopens",
    fault: "Asking the same again drops its answer.",
    killedBy: ["inputs/key-once"],
    mayAlso: ["lifecycle/copies-in"],
    store: (store, plot) =>
      overStore(store, {
        root: (inner) => ({
          async requestInputs(taskId, questions, options) {
            const before = await inner.getTask(taskId);
            const again = Object.keys(questions).filter((key) => before?.inputs[key]?.response !== undefined);
            const task = await inner.requestInputs(taskId, questions, options);
            if (again.length === 0) return task;
            plot.fired();
            patchInputs(plot, taskId, (stored) => {
              for (const key of again) {
                const known = stored.get(key);
                if (known !== undefined) stored.set(key, { request: known.request });
              }
            });
            return task;
          },
        }),
      }),
  }),
  defineMutant({
    name: "answer-revives",
    fault: "An answer makes an ended task work again.",
    killedBy: ["inputs/terminal"],
    mayAlso: ["cancel/race-update", "lifecycle/terminal-final", "cancel/coop-asked"],
    store: (store, { backend, fired }) =>
      overStore(store, {
        methods: (inner) => ({
          answerInputs: (taskId, answers, options) =>
            onCode("TASK_TERMINAL", inner.answerInputs(taskId, answers, options), () => {
              fired();
              backend.patch(taskId, () => ({ status: "working", outcome: null }));
              return inner.answerInputs(taskId, answers, options);
            }),
        }),
      }),
  }),
];

function replace(stored: Map<string, TaskInput>, questions: Readonly<Record<string, InputRequest>>): void {
  for (const [key, request] of Object.entries(questions)) stored.set(key, { request });
}
