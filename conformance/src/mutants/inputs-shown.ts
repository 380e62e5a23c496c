import type { TaskInput } from "@mcp-task-store/core";
import { isTerminal } from "@mcp-task-store/core";
import { parseInputs } from "@mcp-task-store/core/transitions";
import { defineMutant, type Mutant } from "./mutant.ts";
import { eachAlternative, intercepting } from "./over-driver.ts";
import { sharedBy } from "./over-messages.ts";
import { mapTasks, onCode, overStore } from "./over-store.ts";

/** Writes of which a first attempt was refused. */
const refusedIn = sharedBy(() => new Set<string>());

export const inputsShown: readonly Mutant[] = [
  defineMutant({
    name: "answered-shown",
    fault: "A question is shown as open until all are answered.",
    killedBy: ["inputs/open-only"],
    mayAlso: ["inputs", "exec/inputs", "payload"],
    store: (store, { fired }) =>
      mapTasks(store, (task) => {
        const entries: readonly (readonly [string, TaskInput])[] = Object.entries(task.inputs);
        if (task.status !== "input_required" || entries.every(([, input]) => input.response === undefined)) return task;
        fired();
        return { ...task, inputs: Object.fromEntries(entries.map(([key, { request }]) => [key, { request }])) };
      }),
  }),
  defineMutant({
    name: "resume-missed",
    fault: "Whether an answer is the last is decided by what its process read first.",
    killedBy: ["inputs/race"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        if (kind !== "answer") return send(write);
        const refused = refusedIn(backend);
        if (write.alternatives.length > 1 && refused.has(write.writeId)) {
          fired();
          const { inputs } = write.alternatives[0]?.then.set ?? {};
          if (inputs === undefined) return send(write);
          return send(eachAlternative(write, ({ when }) => ({ when, then: { set: { inputs } } })));
        }
        const answer = await send(write);
        if (answer.kind === "refused") refused.add(write.writeId);
        return answer;
      }),
  }),
  defineMutant({
    name: "answer-for-closed",
    fault: "An answer to a closed key replaces the first, when it comes along with another.",
    killedBy: ["inputs/strangers"],
    mayAlso: ["lifecycle/copies-in"],
    store: (store, { backend, fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async answerInputs(taskId, answers, options) {
            const task = await inner.answerInputs(taskId, answers, options);
            const answered = Object.entries(answers);
            backend.patch(taskId, (row) => {
              const inputs = new Map(parseInputs(row.inputs));
              for (const [key, response] of answered) {
                const known = inputs.get(key);
                if (answered.length < 2 || known?.response === undefined) continue;
                if (JSON.stringify(known.response) !== JSON.stringify(response)) fired();
                inputs.set(key, { request: known.request, response });
              }
              return { inputs: JSON.stringify(Object.fromEntries(inputs)), inputsId: `patched ${backend.nowUs()}` };
            });
            return task;
          },
        }),
      }),
  }),
  defineMutant({
    name: "keys-in-memory",
    fault: "Which keys were asked is known until the next restart only.",
    killedBy: ["durable/reopen"],
    driver(driver, { backend, notes }) {
      backend.onRestart(() => notes.set("restarted", "yes"));
      return driver;
    },
    store: (store, { notes, fired }) =>
      overStore(store, {
        root: (inner) => ({
          requestInputs: (taskId, questions, options) =>
            onCode("INPUT_KEY_REUSED", inner.requestInputs(taskId, questions, options), async () => {
              if (notes.has("restarted")) fired();
              const task = notes.has("restarted") ? await inner.getTask(taskId) : undefined;
              return task ?? inner.requestInputs(taskId, questions, options);
            }),
        }),
      }),
  }),
  defineMutant({
    name: "terminal-keeps-inputs",
    fault: "A task that has ended still shows its open questions.",
    killedBy: ["inputs/terminal"],
    mayAlso: ["cancel/race-update", "cancel/coop-asked", "inputs", "exec/inputs"],
    store: (store, { backend, fired }) =>
      mapTasks(store, (task) => {
        const stored = parseInputs(backend.rows.get(task.taskId)?.inputs ?? null);
        if (!isTerminal(task.status) || stored.size === Object.keys(task.inputs).length) return task;
        fired();
        return { ...task, inputs: Object.fromEntries(stored) };
      }),
  }),
];
