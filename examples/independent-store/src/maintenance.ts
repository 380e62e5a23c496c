/** What nobody's call does: the end of expired tasks, of lost workers and of runs over their time. */
import type { CallOptions, MaintenanceReport, Task } from "@mcp-task-store/core";
import { optionalInteger } from "./checks.ts";
import type { Handle } from "./handle.ts";
import { cancel, fail, release } from "./life.ts";
import { isOpen, isVisible, liveLease, shownTask, type StoredTask } from "./stored-task.ts";

/** How soon a task is handed over again that `onOrphan` refused, ms. */
const HAND_OVER_AGAIN_MS = 1_000;

type Kind = "purged" | "failed" | "released" | "cancelled" | "unclaimed";

export async function maintain(
  handle: Handle,
  options: CallOptions & { readonly limit?: number | undefined } = {},
): Promise<MaintenanceReport> {
  const limit = optionalInteger("limit", options.limit, 1, 10_000) ?? 100;
  const counts = { purged: 0, failed: 0, released: 0, cancelled: 0, unclaimed: 0 };
  const orphans: Task[] = [];
  const more = await handle.call(options, (now) => {
    const due = [...handle.backend.tasks.values()].flatMap((task) => {
      const kind = kindOf(handle, task, now);
      return kind === undefined ? [] : [{ kind, task }];
    });
    for (const { kind, task } of due.slice(0, limit)) {
      counts[kind] += 1;
      carryOut(handle, kind, task, now);
      // A question that waits for its client needs no worker yet.
      const isFree = kind === "released" || kind === "unclaimed";
      if (isFree && task.status === "working") orphans.push(shownTask(task));
    }
    return due.length > limit;
  });
  const { unclaimed: _, ...report } = counts;
  return { ...report, announced: await announce(handle, orphans), more };
}

/** What has to be done with a task now. */
function kindOf({ settings }: Handle, task: StoredTask, now: number): Kind | undefined {
  if (!isVisible(task, now)) return "purged";
  if (!isOpen(task)) return undefined;
  const isLost = task.lease !== undefined && liveLease(task, now) === undefined;
  const isOver = task.lease !== undefined && task.runUntil !== undefined && task.runUntil <= now;
  if (isLost || isOver) {
    if (task.cancelRequestedAt !== undefined) return "cancelled";
    const mayGoOn = isLost && settings.orphanPolicy === "release" && task.attempts < settings.maxAttempts;
    return mayGoOn ? "released" : "failed";
  }
  // Without a hand-over of its own this store leaves the task to others.
  const isUnclaimed = task.claimBy !== undefined && task.claimBy <= now && settings.onOrphan !== undefined;
  return isUnclaimed ? "unclaimed" : undefined;
}

function carryOut({ backend, settings }: Handle, kind: Kind, task: StoredTask, now: number): void {
  switch (kind) {
    case "purged":
      backend.remove(task);
      break;
    case "cancelled":
      cancel(backend, task, now);
      break;
    case "failed": {
      const lost = liveLease(task, now) === undefined;
      fail(backend, task, now, lost ? "The worker of the task was lost." : "The run of the task took too long.");
      break;
    }
    case "released":
      release(backend, task, now, settings.claimWithinMs);
      break;
    case "unclaimed":
      // Whoever maintains at the same time finds it claimed for a while.
      task.claimBy = now + settings.claimWithinMs;
      backend.changed(task, now);
      break;
  }
}

/** @returns how many tasks were handed over */
async function announce(handle: Handle, orphans: readonly Task[]): Promise<number> {
  const { onOrphan, onError, claimWithinMs } = handle.settings;
  if (onOrphan === undefined) return 0;
  for (const orphan of orphans) {
    try {
      await onOrphan(orphan);
    } catch (error) {
      onError(error);
      await handle.call({}, (now) => {
        const task = handle.backend.find(orphan.taskId, undefined, now);
        if (task?.claimBy === undefined) return;
        task.claimBy = Math.min(task.claimBy, now + Math.min(claimWithinMs, HAND_OVER_AGAIN_MS));
        handle.backend.changed(task, now);
      });
    }
  }
  return orphans.length;
}

/** Maintains from time to time; never keeps the process alive. */
export function maintainRegularly(handle: Handle): void {
  const { maintainEveryMs } = handle.settings.capabilities;
  if (maintainEveryMs === 0) return;
  const round = async (): Promise<void> => {
    try {
      while ((await maintain(handle)).more);
    } catch (error) {
      if (!handle.closing.aborted) handle.settings.onError(error);
    }
    plan();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const plan = (): void => {
    if (handle.closing.aborted) return;
    timer = setTimeout(() => void round(), maintainEveryMs);
    timer.unref();
  };
  handle.closing.addEventListener("abort", () => clearTimeout(timer));
  plan();
}
