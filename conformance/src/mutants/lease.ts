import type { LeaseRecord, TaskRecord } from "@mcp-task-store/core";
import { TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Layers, type Mutant, type Plot } from "./mutant.ts";
import { eachAlternative, intercepting, rewriting, unguarded, without, type WriteKind } from "./over-driver.ts";
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

/** Leases with other tokens than the revision at which they were given. */
function tokens(
  choose: (row: TaskRecord, lease: { readonly taskId: string; readonly holder: string }, plot: Plot) => number,
): Pick<Layers, "driver"> {
  return {
    driver: (driver, plot) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        if (kind !== "acquire" || answer.kind !== "written" || answer.row.lease === null) return answer;
        const { holder } = answer.row.lease;
        const token = choose(answer.row, { taskId: write.taskId, holder }, plot);
        if (token === answer.row.lease.token) return answer;
        plot.fired();
        const taken = { ...answer.row.lease, token };
        plot.backend.patch(write.taskId, () => ({ lease: taken }));
        // The engine reads the token from what the row says of this very write.
        const ring = answer.row.ring.map((entry) =>
          entry.writeId === write.writeId ? { ...entry, revision: token } : entry,
        );
        return { ...answer, row: { ...answer.row, lease: taken, ring } };
      }),
  };
}

/** Looks at the lease before a write, in place of with it. */
function lapseCheck(name: string, checked: WriteKind, does: string): Mutant {
  return defineMutant({
    name,
    fault: `${does} looks at the lease, and then writes whatever has become of it.`,
    killedBy: ["lease/late-finish"],
    mayAlso: ["lease", "exec", "cancel/coop", "clock/deadlines", "ttl/maintain-race"],
    driver: (driver, { fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const [one] = write.alternatives;
        const lease = one?.when.lease;
        if (kind !== checked || typeof lease !== "object" || !("token" in lease)) return send(write);
        const { rows, nowUs } = await driver.read([write.taskId]);
        const [row] = rows;
        if (liveLease(row, Math.floor(nowUs / 1_000))?.token !== lease.token) return send(write);
        const answer = await send(unguarded(write, "lease"));
        // Somebody has taken the task in between.
        if (answer.kind === "written" && answer.row.attempts !== row?.attempts) fired();
        return answer;
      }),
  });
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
    fault: "A lease counts in tens of seconds.",
    killedBy: ["lease/exclusive"],
    mayAlso: ["lease", "exec", "clock"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write) =>
        eachAlternative(write, ({ when, then }) => {
          if (then.lease === undefined || then.lease === null || !("take" in then.lease)) return { when, then };
          const forMs = Math.max(1, Math.floor(then.lease.forMs / 10_000) * 10_000);
          if (forMs !== then.lease.forMs) fired();
          return { when, then: { ...then, lease: { ...then.lease, forMs } } };
        }),
      ),
  }),
  defineMutant({
    name: "renew-noop",
    fault: "A heartbeat is answered and not written.",
    killedBy: ["lease/exclusive"],
    mayAlso: ["lease/late-finish", "exec/lease"],
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
    mayAlso: [
      "cancel/race-update",
      "exec/lease",
      "lease",
      "inputs/handover",
      "cancel/coop-asked",
      "lease/handed-on",
      "lease/refused-hand-over",
      "ttl/given-back",
    ],
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
    mayAlso: ["cancel/race-update"],
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
    name: "token-per-holder",
    fault: "Whoever took a task before gets the token of that time again.",
    killedBy: ["lease/token-grows"],
    mayAlso: ["lease", "exec", "ids/reborn", "inputs/handover"],
    ...tokens((row, { taskId, holder }, { notes }) => {
      const name = `${taskId} ${holder}`;
      const token = notes.get(name) ?? `${row.revision}`;
      notes.set(name, token);
      return Number(token);
    }),
  }),
  defineMutant({
    name: "token-reset",
    fault: "Tokens count the attempts, and a release gives its attempt back.",
    killedBy: ["lease/token-grows"],
    mayAlso: ["lease", "exec", "ids/reborn", "inputs/handover"],
    ...tokens((row) => row.attempts),
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
    mayAlso: ["wait/quiet", "clock/deadlines"],
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
    mayAlso: [
      "cancel/race-update",
      "ttl/maintain-race",
      "lifecycle/copies-out",
      "lifecycle/shape",
      "cancel/signal-early",
      "durable/unknown",
      "cancel/signal",
      "exec/keeps-terminal",
    ],
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
    mayAlso: ["lease", "clock/deadlines"],
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
  lapseCheck("lapse-check-write", "finish", "A finish"),
  lapseCheck("lapse-check-ask", "ask", "A question"),
  lapseCheck("lapse-check-renew", "renew", "A renewal"),
];
