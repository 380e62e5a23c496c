import { isDeepStrictEqual } from "node:util";
import type { JsonObject, TaskOutcome } from "@mcp-task-store/core";
import { isTerminal } from "@mcp-task-store/core";
import { COMPLETED } from "../rules/endings.ts";
import { defineMutant, type Layers, type Mutant } from "./mutant.ts";
import { eachAlternative, intercepting, rewriting, unguarded, without } from "./over-driver.ts";
import { isObject, overStore } from "./over-store.ts";

/** Outcomes changed before the store sees them. */
function outcomesThrough(change: (outcome: TaskOutcome, fired: () => void) => TaskOutcome): Pick<Layers, "store"> {
  return {
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          finishTask: (taskId, outcome, options) => inner.finishTask(taskId, change(outcome, fired), options),
        }),
      }),
  };
}

/** Whether a value could be a JSON-RPC error. */
function looksLikeError(value: unknown): value is { readonly code: number; readonly message: string } {
  return isObject(value) && typeof value["code"] === "number" && typeof value["message"] === "string";
}

export const finish: readonly Mutant[] = [
  defineMutant({
    name: "result-after-status",
    fault: "The status is written first, the outcome a moment later.",
    killedBy: ["finish/atomic"],
    mayAlso: ["durable/own-win"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        if (kind !== "finish") return send(write);
        const text = write.alternatives[0]?.then.set?.outcome ?? null;
        const answer = await send(
          eachAlternative(write, ({ when, then }) => ({
            when,
            then: { ...then, set: { ...then.set, outcome: null } },
          })),
        );
        for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
        if (answer.kind === "written") {
          fired();
          backend.patch(write.taskId, () => ({ outcome: text }));
        }
        return answer;
      }),
  }),
  defineMutant({
    name: "result-before-status",
    fault: "The outcome is shown a moment before the status.",
    killedBy: ["finish/atomic"],
    store: (store, { notes, fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async getTask(taskId, options) {
            const task = await inner.getTask(taskId, options);
            const text = notes.get(taskId);
            if (task === undefined || text === undefined || options?.outcome !== true || isTerminal(task.status))
              return task;
            fired();
            return { ...task, outcome: JSON.parse(text) };
          },
        }),
        root: (inner) => ({
          async finishTask(taskId, outcome, options) {
            if (isDeepStrictEqual(outcome, COMPLETED)) notes.set(taskId, JSON.stringify(outcome));
            try {
              return await inner.finishTask(taskId, outcome, options);
            } finally {
              notes.delete(taskId);
            }
          },
        }),
      }),
  }),
  defineMutant({
    name: "finish-last-wins",
    fault: "A finish is written whatever the status.",
    killedBy: ["finish/one-winner"],
    mayAlso: [
      "durable/not-mine",
      "lifecycle/terminal-final",
      "cancel/late-result",
      "cancel/race-finish",
      "finish/final",
      "ttl/restart-once",
    ],
    driver: (driver, { backend, fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "finish" || !isTerminal(backend.rows.get(write.taskId)?.status ?? "working")) return write;
        fired();
        return unguarded(write, "open");
      }),
  }),
  defineMutant({
    name: "finish-mixed",
    fault: "A refused finish leaves its message behind.",
    killedBy: ["finish/one-winner"],
    mayAlso: ["lifecycle/terminal-final", "cancel/late-result", "lease/stale-refused"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        const statusMessage = write.alternatives[0]?.then.set?.statusMessage;
        if (kind !== "finish" || answer.kind !== "refused" || statusMessage === undefined) return answer;
        fired();
        backend.patch(write.taskId, () => ({ statusMessage }));
        return answer;
      }),
  }),
  defineMutant({
    name: "result-overwritten",
    fault: "A refused second finish replaces the outcome.",
    killedBy: ["finish/final"],
    mayAlso: ["lifecycle/terminal-final", "finish/one-winner"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        const outcome = write.alternatives[0]?.then.set?.outcome;
        if (kind !== "finish" || answer.kind !== "refused" || outcome === undefined) return answer;
        if (answer.row.status !== "completed") return answer;
        fired();
        backend.patch(write.taskId, () => ({ outcome }));
        return answer;
      }),
  }),
  defineMutant({
    name: "result-read-once",
    fault: "Reading the outcome consumes it.",
    killedBy: ["finish/final"],
    store(store, { fired }) {
      const read = new Set<string>();
      return overStore(store, {
        methods: (inner) => ({
          async getOutcome(taskId, options) {
            const outcome = await inner.getOutcome(taskId, options);
            if (outcome === undefined || !read.has(taskId)) {
              if (outcome !== undefined) read.add(taskId);
              return outcome;
            }
            fired();
            return undefined;
          },
        }),
      });
    },
  }),
  defineMutant({
    name: "error-flattened",
    fault: "Of an error only code and text are kept.",
    killedBy: ["finish/errors"],
    mayAlso: ["exec/auto-fail", "payload/keys", "payload/lossless", "payload/numbers", "payload/text"],
    ...outcomesThrough((outcome, fired) => {
      if (!("error" in outcome) || outcome.error?.data === undefined) return outcome;
      fired();
      return { status: "failed", error: { code: outcome.error.code, message: outcome.error.message } };
    }),
  }),
  defineMutant({
    name: "error-code-default",
    fault: "Every error gets the code -32603.",
    killedBy: ["finish/errors"],
    mayAlso: ["finish/one-winner", "exec/auto-fail"],
    ...outcomesThrough((outcome, fired) => {
      if (!("error" in outcome) || outcome.error?.code === undefined) return outcome;
      fired();
      return { status: "failed", error: { ...outcome.error, code: -32603 } };
    }),
  }),
  defineMutant({
    name: "kind-guessed",
    fault: "A result that looks like an error is taken for one.",
    killedBy: ["finish/errors"],
    ...outcomesThrough((outcome, fired) => {
      if (outcome.status !== "completed" || !looksLikeError(outcome.result)) return outcome;
      fired();
      return { status: "failed", error: { code: outcome.result.code, message: outcome.result.message } };
    }),
  }),
  defineMutant({
    name: "completed-bare",
    fault: "Completed without a result is accepted.",
    killedBy: ["finish/not-bare"],
    ...outcomesThrough((outcome, fired) => {
      if (outcome.status !== "completed" || outcome.result !== undefined) return outcome;
      fired();
      const empty: JsonObject = {};
      return { status: "completed", result: empty };
    }),
  }),
  defineMutant({
    name: "failed-bare",
    fault: "Failed without an error is accepted.",
    killedBy: ["finish/not-bare"],
    store(store, { notes, fired }) {
      const bare: TaskOutcome = JSON.parse('{"status":"failed"}');
      return overStore(store, {
        methods: (inner) => ({
          async getTask(taskId, options) {
            const task = await inner.getTask(taskId, options);
            return task?.outcome === undefined || !notes.has(taskId) ? task : { ...task, outcome: bare };
          },
        }),
        root: (inner) => ({
          async finishTask(taskId, outcome, options) {
            if (outcome.status !== "failed" || "error" in outcome || "result" in outcome)
              return inner.finishTask(taskId, outcome, options);
            fired();
            notes.set(taskId, "bare");
            return inner.finishTask(taskId, { status: "failed", error: { code: 0, message: "none" } }, options);
          },
        }),
      });
    },
  }),
  defineMutant({
    name: "iserror-completed",
    fault: "A result with isError completes every task.",
    killedBy: ["finish/iserror"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "finish" || write.alternatives.length < 2) return write;
        fired();
        return eachAlternative(write, (one) => (one.when.generation === undefined ? one : undefined));
      }),
  }),
  defineMutant({
    name: "iserror-failed",
    fault: "A result with isError fails every task.",
    killedBy: ["finish/iserror"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "finish" || write.alternatives.length < 2) return write;
        fired();
        return eachAlternative(write, ({ when, then }) => ({ when: without(when, "generation"), then }));
      }),
  }),
];
