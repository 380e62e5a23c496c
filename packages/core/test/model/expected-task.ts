import { isTerminal } from "../../src/index.ts";
import type { Task, TaskInput, TaskOutcome, TaskRecord } from "../../src/index.ts";

/** What users must see of a record, written anew from the documentation of Task. */
export function expectedTask(row: TaskRecord): Task {
  const inputs: Readonly<Record<string, TaskInput>> = row.inputs === null ? {} : JSON.parse(row.inputs);
  const shown = Object.entries(inputs).filter(([, input]) => !isTerminal(row.status) || input.response !== undefined);
  const optional = {
    statusMessage: row.statusMessage,
    cancelRequestedAt: iso(row.cancelRequestedAt),
    claimBy: iso(row.claimBy),
    runUntil: iso(row.runUntil),
    metadata: row.metadata === null ? null : JSON.parse(row.metadata),
    lease: row.lease === null ? null : { holder: row.lease.holder, expiresAt: iso(row.lease.expiresAt) },
  };
  return {
    taskId: row.taskId,
    principal: row.scope,
    generation: row.generation,
    revision: row.revision,
    status: row.status,
    createdAt: new Date(row.createdAt).toISOString(),
    lastUpdatedAt: new Date(row.lastUpdatedAt).toISOString(),
    ttlMs: row.ttlMs,
    pollIntervalMs: row.pollIntervalMs,
    expiresAt: iso(row.expiresAt),
    attempts: row.attempts,
    inputs: Object.fromEntries(shown),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  };
}

/** How a record ended; undefined while it is open. */
export function expectedOutcome(row: TaskRecord): TaskOutcome | undefined {
  if (!isTerminal(row.status)) return undefined;
  if (row.status === "cancelled") return { status: "cancelled" };
  return { status: row.status, ...JSON.parse(row.outcome ?? "{}") };
}

function iso(epochMs: number | null): string | null {
  return epochMs === null ? null : new Date(epochMs).toISOString();
}
