/** Act 3: the client cancels a task; the worker is another process than the server that hears of it. */
import { isTaskStoreError } from "@mcp-task-store/core";
import type { Claim } from "../claims.ts";
import { progressIn } from "../digest-files.ts";
import { milliseconds } from "../printer.ts";
import type { Stage } from "../stage.ts";
import { Watch } from "../watch.ts";

const DEADLINE_MS = 20_000;
/** A hint is a matter of milliseconds; one safety poll later it must have arrived in any case. */
const ARRIVAL_MS = 6_000;

export async function cancellation(stage: Stage): Promise<readonly Claim[]> {
  const { alice, backend, crew, order, printer, random, signal, store } = stage;
  await crew.pair();
  const { taskId } = await alice.startTask("digest_files", { ...order });
  const { worker } = await crew.handedOver(taskId, "created");
  printer.event(`task D to ${worker.name} (${worker.where})`);
  const cancelAt = random.between(0.2, 0.4);
  await using watch = await Watch.open(stage, new Map([[taskId, "task D"]]));
  await watch.until(taskId, DEADLINE_MS, ({ statusMessage }) => progressIn(statusMessage) > cancelAt);

  const sentMs = performance.now();
  await alice.cancel(taskId);
  const answeredMs = performance.now() - sentMs;
  const soon = { deadlineMs: DEADLINE_MS, signal };
  const signalled = await worker.inbox.first("signalled", taskId, soon);
  const arrivedMs = signalled.atMs - sentMs;
  printer.event(
    `alice cancelled it (${milliseconds(answeredMs)}); ${worker.name}: ctx.signal fired after ` +
      `${milliseconds(arrivedMs)} and ${signalled.slices} of ${order.slices} slices`,
  );
  const ended = await worker.inbox.first("ended", taskId, soon);
  const heard = await watch.until(taskId, DEADLINE_MS);
  const cancelled = await store.getTask(taskId);
  const late = await finishLate(stage, taskId);
  const stands = await store.getTask(taskId);
  printer.event(
    `${worker.name} stopped at slice ${ended.slices}; alice hears: ${heard.status}; completing it now: ${late}`,
  );
  const isUntouched = stands !== undefined && stands.revision === cancelled?.revision;
  return [
    {
      text: `a cancel from another ${backend.peer} stops the worker`,
      holds: arrivedMs < ARRIVAL_MS && ended.slices < order.slices && ended.slices - signalled.slices <= 1,
      figure: `its signal fired after ${milliseconds(arrivedMs)}; it stopped at slice ${ended.slices} of ${order.slices}`,
      lookAt: "examples/demo/src/acts/cancellation.ts; core: run-watch.ts, waiters.ts",
    },
    {
      text: "and cancelled it stays",
      holds: heard.status === "cancelled" && late === "TASK_TERMINAL" && stands?.status === "cancelled" && isUntouched,
      figure: `completing it: ${late}; ${stands?.status}, revision ${isUntouched ? "unchanged" : "changed"}`,
      lookAt: "core: transitions.ts, finish of a terminal task",
    },
  ];
}

/** @returns the code of the refusal, or "accepted" */
async function finishLate({ store }: Stage, taskId: string): Promise<string> {
  try {
    await store.finishTask(taskId, { status: "completed", result: {} }, { force: true });
    return "accepted";
  } catch (error) {
    if (!isTaskStoreError(error)) throw error;
    return error.code;
  }
}
