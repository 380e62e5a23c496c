import { check, holderSchema, revisionSchema } from "./arguments.ts";
import type { CommandResult } from "./engine.ts";
import { rowOrThrow } from "./refusal-error.ts";
import { checkCall } from "./request-operations.ts";
import { claimWithinMsSchema, leaseMsSchema, maxRunMsSchema } from "./resolve-options.ts";
import type { StoreCore } from "./store-core.ts";
import type { TaskRecord } from "./task-record.ts";
import type { Lease, TaskStore } from "./task-store.ts";
import { taskView } from "./task-view.ts";

export type LeaseOperations = Pick<TaskStore, "acquireLease" | "renewLease" | "releaseLease">;

/** Taking, keeping and giving back the right to work on a task. */
export function leaseOperations(core: StoreCore): LeaseOperations {
  const { engine, options: settings } = core;
  return {
    async acquireLease(taskId, options) {
      checkCall(taskId, options);
      const holder = check(holderSchema, options.holder, "options.holder");
      const leaseMs = check(leaseMsSchema, options.leaseMs ?? settings.leaseMs, "options.leaseMs");
      const maxRunMs = options.maxRunMs ?? settings.maxRunMs;
      if (maxRunMs !== null) check(maxRunMsSchema, maxRunMs, "options.maxRunMs");
      const { graceMs, maxAttempts } = settings;
      const command = { type: "acquire", holder, leaseMs, graceMs, maxRunMs, maxAttempts } as const;
      const result = await engine.run(taskId, undefined, command, options);
      if (result.kind === "refused") return undefined;
      const row = rowOrThrow(taskId, result);
      const token = tokenOf(result);
      // Not leased by this write: its cancellation was carried out instead. Another token: it was lost again since.
      if (row.lease === null || row.lease.token !== token) return undefined;
      return leaseView(row, row.lease, leaseMs, nowUsOf(result));
    },

    async renewLease(taskId, token, options = {}) {
      checkCall(taskId, options);
      check(revisionSchema, token, "token");
      const leaseMs = check(leaseMsSchema, options.leaseMs ?? settings.leaseMs, "options.leaseMs");
      const command = { type: "renew", token, leaseMs, graceMs: settings.graceMs } as const;
      const result = await engine.run(taskId, undefined, command, options);
      const row = rowOrThrow(taskId, result);
      if (row.lease === null) throw new TypeError("A renewed lease is on its row.");
      return leaseView(row, row.lease, leaseMs, nowUsOf(result));
    },

    async releaseLease(taskId, token, options = {}) {
      checkCall(taskId, options);
      check(revisionSchema, token, "token");
      const { claimWithinMs = settings.claimWithinMs } = options;
      check(claimWithinMsSchema, claimWithinMs, "options.claimWithinMs");
      const command = { type: "release", token, claimWithinMs } as const;
      return taskView(rowOrThrow(taskId, await engine.run(taskId, undefined, command, options)));
    },
  };
}

/** The fencing token of an acquire is the revision that its write made, wherever the row stands by now. */
function tokenOf(result: CommandResult): number | undefined {
  if (result.kind !== "done") return undefined;
  return result.row.ring.find((entry) => entry.writeId === result.writeId)?.revision;
}

function nowUsOf(result: CommandResult): number {
  return result.kind === "gone" ? 0 : result.nowUs;
}

function leaseView(row: TaskRecord, lease: NonNullable<TaskRecord["lease"]>, leaseMs: number, nowUs: number): Lease {
  const { token, holder, expiresAt } = lease;
  return Object.freeze({
    taskId: row.taskId,
    token,
    holder,
    expiresAt: new Date(expiresAt).toISOString(),
    leaseMs,
    remainingMs: Math.max(0, expiresAt - Math.floor(nowUs / 1000)),
    task: taskView(row),
  });
}
