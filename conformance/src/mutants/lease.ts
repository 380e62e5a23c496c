import type { LeaseRecord, TaskRecord } from "@mcp-task-store/core";
import { TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Layers, type Mutant, type Plot } from "./mutant.ts";
import {
  changeWithout,
  eachAlternative,
  intercepting,
  rewriting,
  unguarded,
  without,
  type WriteKind,
} from "./over-driver.ts";
import { overStore } from "./over-store.ts";

function liveLease(row: TaskRecord | undefined, nowMs: number): LeaseRecord | undefined {
  const lease = row?.lease ?? undefined;
  return lease !== undefined && nowMs < lease.expiresAt ? lease : undefined;
}

/** A wrong token passes for the live one where `passes` says so. */
function fences(
  passes: (given: number, live: LeaseRecord, kind: WriteKind, holders: ReadonlyMap<number, string>) => boolean,
): Pick<Layers, "driver"> {
  return {
    driver(driver, { backend, fired }) {
      const holders = new Map<number, string>();
      return intercepting(driver, async (write, kind, send) => {
        const live = liveLease(backend.rows.get(write.taskId), backend.nowMs());
        const answer = await send(
          eachAlternative(write, ({ when, then }) => {
            if (live === undefined || typeof when.lease !== "object" || !("token" in when.lease)) return { when, then };
            const given = when.lease.token;
            if (given === live.token || !passes(given, live, kind, holders)) return { when, then };
            fired();
            return { when: { ...when, lease: { token: live.token } }, then };
          }),
        );
        if (answer.kind === "written" && answer.row.lease !== null)
          holders.set(answer.row.lease.token, answer.row.lease.holder);
        return answer;
      });
    },
  };
}

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

export const lease: readonly Mutant[] = [
  defineMutant({
    name: "lease-look-take",
    fault: "Taking looks whether the task is free, then writes without that condition.",
    killedBy: ["lease/exclusive"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        if (kind !== "acquire") return send(write);
        const { rows } = await driver.read([write.taskId]);
        if (liveLease(rows[0], backend.nowMs()) !== undefined) return send(write);
        if (liveLease(backend.rows.get(write.taskId), backend.nowMs()) !== undefined) fired();
        return send(unguarded(write, "lease"));
      }),
  }),
  defineMutant({
    name: "lease-floor",
    fault: "A lease counts in whole seconds.",
    killedBy: ["lease/exclusive"],
    mayAlso: ["lease"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write) =>
        eachAlternative(write, ({ when, then }) => {
          if (then.lease === undefined || then.lease === null || !("take" in then.lease)) return { when, then };
          const forMs = Math.max(1, Math.floor(then.lease.forMs / 1_000) * 1_000);
          if (forMs !== then.lease.forMs) fired();
          return { when, then: { ...then, lease: { ...then.lease, forMs } } };
        }),
      ),
  }),
  defineMutant({
    name: "renew-noop",
    fault: "A heartbeat is answered and not written.",
    killedBy: ["lease/exclusive"],
    mayAlso: ["exec/lease"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const row = backend.rows.get(write.taskId);
        if (kind !== "renew" || liveLease(row, backend.nowMs()) === undefined || row === undefined) return send(write);
        const [one] = write.alternatives;
        const token = typeof one?.when.lease === "object" && "token" in one.when.lease ? one.when.lease.token : 0;
        if (row.lease?.token !== token) return send(write);
        fired();
        return { kind: "written", row, nowUs: backend.nowUs() };
      }),
  }),
  defineMutant({
    name: "release-noop",
    fault: "A release is answered and not written.",
    killedBy: ["lease/exclusive"],
    mayAlso: ["exec/lease", "lease", "cancel/coop-asked", "inputs/handover"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async releaseLease(taskId, token, options) {
            const task = await inner.getTask(taskId);
            if (task === undefined || task.lease === undefined) return inner.releaseLease(taskId, token, options);
            fired();
            return task;
          },
        }),
      }),
  }),
  defineMutant({
    name: "lease-on-terminal",
    fault: "A task that has ended can be taken.",
    killedBy: ["lease/exclusive"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "acquire") return write;
        fired();
        return eachAlternative(write, (one) =>
          one.when.cancelRequested === undefined ? { when: without(one.when, "open"), then: one.then } : one,
        );
      }),
  }),
  defineMutant({
    name: "token-reset",
    fault: "Tokens count the attempts, and a release gives its attempt back.",
    killedBy: ["lease/token-grows"],
    mayAlso: ["lease", "exec", "ids", "cancel", "ttl", "wait", "durable", "inputs/handover"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        if (kind !== "acquire" || answer.kind !== "written" || answer.row.lease === null) return answer;
        fired();
        const taken = { ...answer.row.lease, token: answer.row.attempts };
        backend.patch(write.taskId, () => ({ lease: taken }));
        return { ...answer, row: { ...answer.row, lease: taken } };
      }),
  }),
  defineMutant({
    name: "fence-by-name",
    fault: "Whoever has the holder's name passes for the holder.",
    killedBy: ["lease/stale-refused"],
    ...fences((given, live, _kind, holders) => holders.get(given) === live.holder),
  }),
  defineMutant({
    name: "token-at-least",
    fault: "A token above the live one passes.",
    killedBy: ["lease/stale-refused"],
    mayAlso: ["bad/typed"],
    ...fences((given, live) => given >= live.token),
  }),
  ...(["finish", "release", "renew"] as const).map((stale) =>
    defineMutant({
      name: `stale-${stale}`,
      fault: `An old token still does to ${stale}.`,
      killedBy: ["lease/stale-refused"],
      mayAlso: ["lease/fenced"],
      ...fences((given, live, kind) => kind === stale && given < live.token),
    }),
  ),
  defineMutant({
    name: "unfenced-passes",
    fault: "Without a token anybody writes under a live lease.",
    killedBy: ["lease/fenced"],
    mayAlso: ["wait/quiet"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (!["report", "ask", "finish"].includes(kind) || write.alternatives.every((one) => one.when.lease !== "none"))
          return write;
        fired();
        return unguarded(write, "lease");
      }),
  }),
  defineMutant({
    name: "cancel-needs-token",
    fault: "A leased task cannot be cancelled.",
    killedBy: ["lease/fenced"],
    mayAlso: ["cancel/signal", "exec/keeps-terminal"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async cancelTask(taskId, options) {
            if ((await inner.getTask(taskId))?.lease === undefined) return inner.cancelTask(taskId, options);
            fired();
            throw new TaskStoreError("LEASE_LOST", "Somebody works on the task.");
          },
        }),
      }),
  }),
  defineMutant({
    name: "lapse-ignored",
    fault: "A lapsed token passes until somebody else takes the task.",
    killedBy: ["lease/fenced"],
    mayAlso: ["lease"],
    driver: (driver, { backend, fired }) =>
      rewriting(driver, (write) => {
        const row = backend.rows.get(write.taskId);
        const token = row?.lease?.token;
        if (token === undefined || liveLease(row, backend.nowMs()) !== undefined) return write;
        return eachAlternative(write, ({ when, then }) => {
          if (typeof when.lease !== "object" || !("token" in when.lease) || when.lease.token !== token)
            return { when, then };
          fired();
          return { when: without(when, "lease"), then };
        });
      }),
  }),
  defineMutant({
    name: "orphan-ignored",
    fault: "Maintenance does not look for lapsed leases.",
    killedBy: ["lease/orphan-fail"],
    mayAlso: ["lease/orphan-release", "cancel/coop-orphan", "ttl/grace", "exec/max-run"],
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
    name: "claim-forgotten",
    fault: "Maintenance does not look for tasks that nobody claimed.",
    killedBy: ["lease/claim"],
    ...dueRows((row) => row.lease !== null),
  }),
  defineMutant({
    name: "claim-fails",
    fault: "A task that nobody claimed in time is failed.",
    killedBy: ["lease/claim"],
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
    mayAlso: ["inputs/handover"],
    ...recovering(
      () =>
        ({ when, then }) => ({ when, then: { ...then, claimInMs: null } }),
      ["release", "answer"],
    ),
  }),
];
