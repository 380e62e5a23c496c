import type { TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { defineMutant, type Layers, type Mutant, type Plot } from "./mutant.ts";
import { changeWithout, eachAlternative, intercepting, rewriting, without, type WriteKind } from "./over-driver.ts";
import { sharedBy } from "./over-messages.ts";
import { hang, overStore } from "./over-store.ts";

/** Recovery writes changed on their way. */
function recovering(
  change: (plot: Plot) => Parameters<typeof eachAlternative>[1],
  kinds: readonly WriteKind[] = ["recover"],
): Pick<Layers, "driver"> {
  return {
    driver: (driver, plot) =>
      rewriting(driver, (write, kind) =>
        kinds.includes(kind) ? (plot.fired(), eachAlternative(write, change(plot))) : write,
      ),
  };
}

/** Which rows `due` reports. */
function dueRows(keeps: (row: TaskRecord) => boolean): Pick<Layers, "driver"> {
  return {
    driver: (driver, { fired }) => ({
      ...driver,
      async due(limit, holdMs, options) {
        const answer = await driver.due(limit, holdMs, options);
        const rows = answer.rows.filter(keeps);
        if (rows.length < answer.rows.length) fired();
        return { ...answer, rows };
      },
    }),
  };
}

/** Tasks that maintenance has failed. */
const recoveredIn = sharedBy(() => new Set<string>());

/** The driver, keeping in mind which tasks maintenance has ended. */
function remembering(driver: TaskDriver, recovered: Set<string>): TaskDriver {
  return intercepting(driver, async (write, kind, send) => {
    const answer = await send(write);
    if (kind === "recover" && answer.kind === "written" && answer.row.status === "failed") recovered.add(write.taskId);
    return answer;
  });
}

export const leaseRecovery: readonly Mutant[] = [
  defineMutant({
    name: "orphan-ignored",
    fault: "Maintenance does not look for lapsed leases.",
    killedBy: ["lease/orphan-fail"],
    mayAlso: ["ttl/maintain-race", "lease/orphan-release", "cancel/coop-orphan", "ttl/grace", "exec/max-run"],
    ...dueRows((row) => row.lease === null),
  }),
  defineMutant({
    name: "orphan-bare",
    fault: "The task of a lost worker fails without an error.",
    killedBy: ["lease/orphan-fail"],
    mayAlso: ["exec/max-run"],
    ...recovering(() => ({ when, then }) => {
      if (then.set?.status !== "failed") return { when, then };
      return { when, then: { ...then, set: { status: "failed", outcome: null, statusMessage: null } } };
    }),
  }),
  defineMutant({
    name: "recover-twice",
    fault: "Maintenance fails a task of a lost worker each time that it looks.",
    killedBy: ["lease/orphan-fail"],
    mayAlso: ["ttl/maintain-race", "exec/max-run"],
    driver: (driver, { backend, fired }) => {
      const recovered = recoveredIn(backend);
      return {
        ...remembering(driver, recovered),
        async due(limit, holdMs, options) {
          for (const taskId of recovered) {
            if (backend.rows.get(taskId)?.status !== "failed") continue;
            fired();
            backend.patch(taskId, () => ({ revision: backend.nowUs() }));
          }
          return driver.due(limit, holdMs, options);
        },
      };
    },
  }),
  defineMutant({
    name: "orphan-no-wake",
    fault: "Maintenance fails a task without waking those who wait for it.",
    killedBy: ["lease/orphan-fail"],
    driver: (driver, { backend }) => remembering(driver, recoveredIn(backend)),
    store: (store, { backend, fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async waitForUpdate(taskId, options) {
            const task = await inner.waitForUpdate(taskId, options);
            if (task?.status !== "failed" || !recoveredIn(backend).has(taskId)) return task;
            fired();
            return hang(options.signal, options.timeoutMs);
          },
        }),
      }),
  }),
  defineMutant({
    name: "release-keeps-token",
    fault: "Releasing an orphan leaves the lost worker's lease on it.",
    killedBy: ["lease/orphan-release"],
    ...recovering(() => ({ when, then }) => {
      return then.set?.status === undefined ? { when, then: changeWithout(then, "lease") } : { when, then };
    }),
  }),
  defineMutant({
    name: "orphan-unannounced",
    fault: "onOrphan is not called.",
    killedBy: ["lease/orphan-release", "lease/claim"],
    mayAlso: ["lease/handed-on", "lease/refused-hand-over"],
    settings(settings, { fired }) {
      if (settings.onOrphan !== undefined) fired();
      return { ...settings, ...(settings.onOrphan === undefined ? {} : { onOrphan: () => undefined }) };
    },
  }),
  defineMutant({
    name: "attempts-unbounded",
    fault: "A task is released however often its workers were lost.",
    killedBy: ["lease/orphan-release"],
    ...recovering(() => ({ when, then }) => ({ when: without(when, "attemptsBelow"), then })),
  }),
  defineMutant({
    name: "attempts-reset",
    fault: "A release, by whomever, sets the count of attempts to 0.",
    killedBy: ["lease/orphan-release"],
    mayAlso: ["ttl/maintain-race", "lease/token-grows"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        if ((kind !== "release" && kind !== "recover") || answer.kind !== "written") return answer;
        fired();
        backend.patch(write.taskId, () => ({ attempts: 0 }));
        return { ...answer, row: { ...answer.row, attempts: 0 } };
      }),
  }),
  defineMutant({
    name: "claim-forgotten",
    fault: "Maintenance does not look for tasks that nobody claimed.",
    killedBy: ["lease/claim"],
    mayAlso: ["lease/handed-on", "lease/refused-hand-over"],
    ...dueRows((row) => row.lease !== null),
  }),
  defineMutant({
    name: "claim-fails",
    fault: "A task that nobody claimed in time is failed.",
    killedBy: ["lease/claim"],
    mayAlso: ["lease/handed-on", "lease/refused-hand-over"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "claim") return write;
        fired();
        const outcome = JSON.stringify({ error: { code: -32603, message: "unclaimed" } });
        return eachAlternative(write, ({ when }) => ({
          when,
          then: { set: { status: "failed", outcome }, claimInMs: null },
        }));
      }),
  }),
  defineMutant({
    name: "claim-from-create",
    fault: "The claim period runs once, from the creation.",
    killedBy: ["lease/claim"],
    mayAlso: ["lease/handed-on", "inputs/handover", "lease/refused-hand-over", "lifecycle/shape"],
    ...recovering(
      () =>
        ({ when, then }) => ({ when, then: { ...then, claimInMs: null } }),
      ["release", "answer"],
    ),
  }),
];
