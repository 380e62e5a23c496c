/** Act 2: a task is cancelled by somebody else than the one who works on it. */
import { isTaskStoreError } from "@mcp-task-store/core";
import type { Claim } from "../claims.ts";
import { progressIn } from "../digest-files.ts";
import { milliseconds } from "../printer.ts";
import { createDigestTask, follow, type Stage } from "../stage.ts";

const DEADLINE_MS = 20_000;
/** A hint is a matter of milliseconds; one safety poll later it must have arrived in any case. */
const ARRIVAL_MS = 6_000;

export async function cancellation(stage: Stage): Promise<readonly Claim[]> {
  const { backend, client, crew, printer, signal, random, order } = stage;
  await crew.pair();
  const { taskId } = await createDigestTask(stage);
  const worker = crew.handOver(taskId);
  printer.event(`task C to ${worker.name} (${worker.where})`);
  const cancelAt = random.between(0.2, 0.4);
  await follow(stage, new Map([[taskId, "task C"]]), DEADLINE_MS, async (task) => {
    return progressIn(task.statusMessage) > cancelAt ? "enough" : "more";
  });

  const sentMs = performance.now();
  const cancelled = await client.cancelTask(taskId, { statusMessage: "The user changed their mind." });
  const answeredMs = performance.now() - sentMs;
  const soon = { deadlineMs: DEADLINE_MS, signal };
  const signalled = await worker.inbox.first("signalled", taskId, soon);
  const arrivedMs = signalled.atMs - sentMs;
  printer.event(
    `the client cancelled it (${milliseconds(answeredMs)}); ${worker.name}: ctx.signal fired after ` +
      `${milliseconds(arrivedMs)} and ${signalled.slices} of ${order.slices} slices`,
  );
  const ended = await worker.inbox.first("ended", taskId, soon);
  const late = await finishLate(stage, taskId);
  const stands = await client.getTask(taskId);
  printer.event(
    `${worker.name} stopped at slice ${ended.slices}; completing it now: ${late}; the task is ${stands?.status}`,
  );
  return [
    {
      text: `a cancel from another ${backend.peer} stops the worker`,
      holds: arrivedMs < ARRIVAL_MS && ended.slices < order.slices && ended.slices - signalled.slices <= 1,
      figure: `its signal fired after ${milliseconds(arrivedMs)}; it stopped at slice ${ended.slices} of ${order.slices}`,
      lookAt: "examples/demo/src/acts/cancellation.ts; core: run-watch.ts, waiters.ts",
    },
    {
      text: "and cancelled it stays",
      holds: late === "TASK_TERMINAL" && stands?.status === "cancelled" && stands.revision === cancelled.revision,
      figure: `completing it: ${late}; ${stands?.status}, revision ${stands?.revision === cancelled.revision ? "unchanged" : "changed"}`,
      lookAt: "core: transitions.ts, finish of a terminal task",
    },
  ];
}

/** @returns the code of the refusal, or "accepted" */
async function finishLate({ client }: Stage, taskId: string): Promise<string> {
  try {
    await client.finishTask(taskId, { status: "completed", result: {} }, { force: true });
    return "accepted";
  } catch (error) {
    if (!isTaskStoreError(error)) throw error;
    return error.code;
  }
}
