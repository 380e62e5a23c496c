/** Who works on a task. */
import type { AcquireOptions, Lease, ReleaseOptions, RenewOptions, Task } from "@mcp-task-store/core";
import { DAY_MS, MONTH_MS, nameWithin, objectWithKeys, optionalInteger } from "./checks.ts";
import type { Handle } from "./handle.ts";
import { cancel, leaseLost, mustBeOpen, outliveLease, release } from "./life.ts";
import { iso, isOpen, liveLease, shownTask, type StoredLease, type StoredTask } from "./stored-task.ts";

export async function acquireLease(
  handle: Handle,
  taskId: string,
  options: AcquireOptions,
): Promise<Lease | undefined> {
  const { backend, settings } = handle;
  objectWithKeys("options", options, ["holder", "leaseMs", "maxRunMs", "signal", "timeoutMs"]);
  const holder = nameWithin("holder", options.holder, 255, "control");
  const leaseMs = givenLeaseMs(handle, options.leaseMs);
  const maxRunMs = optionalInteger("maxRunMs", options.maxRunMs, 10, MONTH_MS) ?? settings.maxRunMs;
  return await handle.onTask(undefined, taskId, options, (task, now) => {
    if (!isOpen(task) || liveLease(task, now) !== undefined) return undefined;
    if (task.cancelRequestedAt !== undefined) {
      cancel(backend, task, now);
      return undefined;
    }
    if (task.attempts >= settings.maxAttempts) return undefined;
    const lease: StoredLease = { token: backend.next(), holder, endsAt: now + leaseMs };
    task.lease = lease;
    task.attempts += 1;
    task.claimBy = undefined;
    task.runUntil = maxRunMs === undefined ? undefined : now + maxRunMs;
    outliveLease(task, lease.endsAt, settings.capabilities.graceMs);
    backend.changed(task, now);
    return shownLease(task, lease, leaseMs, now);
  });
}

export async function renewLease(
  handle: Handle,
  taskId: string,
  token: number,
  options: RenewOptions = {},
): Promise<Lease> {
  const leaseMs = givenLeaseMs(handle, options.leaseMs);
  return await handle.onTask(undefined, taskId, options, (task, now) => {
    const held = mustHoldBy(task, token, now);
    const lease: StoredLease = { ...held, endsAt: Math.max(held.endsAt, now + leaseMs) };
    // A heartbeat is no news: nobody is woken, and the revision stays.
    task.lease = lease;
    outliveLease(task, lease.endsAt, handle.settings.capabilities.graceMs);
    return shownLease(task, lease, leaseMs, now);
  });
}

export async function releaseLease(
  handle: Handle,
  taskId: string,
  token: number,
  options: ReleaseOptions = {},
): Promise<Task> {
  const { backend, settings } = handle;
  const claimWithinMs = optionalInteger("claimWithinMs", options.claimWithinMs, 10, MONTH_MS) ?? settings.claimWithinMs;
  return await handle.onTask(undefined, taskId, options, (task, now) => {
    mustHoldBy(task, token, now);
    if (task.cancelRequestedAt === undefined) {
      task.attempts -= 1;
      release(backend, task, now, claimWithinMs);
    } else {
      cancel(backend, task, now);
    }
    return shownTask(task);
  });
}

function givenLeaseMs({ settings }: Handle, leaseMs: number | undefined): number {
  const { minLeaseMs } = settings.capabilities;
  return optionalInteger("leaseMs", leaseMs, minLeaseMs, DAY_MS) ?? settings.leaseMs;
}

function mustHoldBy(task: StoredTask, token: number, now: number): StoredLease {
  mustBeOpen(task);
  const lease = liveLease(task, now);
  if (lease === undefined || lease.token !== token) throw leaseLost();
  return lease;
}

function shownLease(task: StoredTask, lease: StoredLease, leaseMs: number, now: number): Lease {
  return Object.freeze({
    taskId: task.taskId,
    token: lease.token,
    holder: lease.holder,
    expiresAt: iso(lease.endsAt),
    leaseMs,
    remainingMs: lease.endsAt - now,
    task: shownTask(task),
  });
}
