/** Act 1: two tool calls become tasks on two workers; one worker is lost midway, and the other finishes its task. */
import { isTaskStoreError } from "@mcp-task-store/core";
import type { ClientTask } from "@mcp-task-store/example-servers/task-client";
import type { Claim } from "../claims.ts";
import { progressIn } from "../digest-files.ts";
import { compared, isExpected } from "../expected-result.ts";
import { seconds } from "../printer.ts";
import { short, type Stage } from "../stage.ts";
import { LEASE_MS, MAINTENANCE_EVERY_MS } from "../store-options.ts";
import { Watch } from "../watch.ts";
import type { HandOver } from "../workers/crew.ts";
import type { Received } from "../workers/inbox.ts";
import type { MessageOf } from "../workers/messages.ts";

const DEADLINE_MS = 30_000;

type Started = Received<MessageOf<"started">>;

/** How a task changed hands. Times are this process's monotonic clock. */
interface Succession {
  readonly before: Started;
  readonly lostMs: number;
  readonly handed: HandOver;
  readonly after: Started;
  /** What a write with the first token was answered. */
  readonly ghost: string;
}

/** A task as its client sees it, and how often it was begun, which only the store knows. */
interface Ended {
  readonly task: ClientTask;
  readonly attempts: number | undefined;
}

export async function takeover(stage: Stage): Promise<readonly Claim[]> {
  const { alice, crew, order, printer, store } = stage;
  await crew.pair();
  const { taskId: taskA } = await alice.startTask("digest_files", { ...order });
  const handA = await crew.handedOver(taskA, "created");
  const { taskId: taskB } = await alice.startTask("digest_files", { ...order });
  const handB = await crew.handedOver(taskB, "created");
  printer.event("alice called digest_files twice, and was answered with a task each");
  for (const [name, taskId, { worker }] of [
    ["A", taskA, handA],
    ["B", taskB, handB],
  ] as const) {
    printer.event(`task ${name} (${short(taskId)}) to ${worker.name} (${worker.where})`);
  }

  const labels = new Map([
    [taskA, "task A"],
    [taskB, "task B"],
  ]);
  await using watch = await Watch.open(stage, labels);
  const asked = alice.requests;
  const succession = await loseWorkerMidway(stage, watch, handA);
  const ended = async (taskId: string): Promise<Ended> => {
    const task = await watch.until(taskId, DEADLINE_MS);
    return { task, attempts: (await store.getTask(taskId))?.attempts };
  };
  const [a, b] = await Promise.all([ended(taskA), ended(taskB)]);
  printer.event(
    `task A is ${a.task.status} at attempt ${a.attempts}, task B ${b.task.status} at attempt ${b.attempts}`,
  );
  return claimsOf(stage, succession, a, b, { heard: watch.heard, asked: alice.requests - asked });
}

async function loseWorkerMidway(stage: Stage, watch: Watch, { taskId, worker }: HandOver): Promise<Succession> {
  const { backend, crew, printer, random, signal } = stage;
  const soon = { deadlineMs: DEADLINE_MS, signal };
  const before = await worker.inbox.first("started", taskId, soon);
  const loseAt = random.between(1 / 3, 1 / 2);
  const { statusMessage } = await watch.until(taskId, DEADLINE_MS, (task) => progressIn(task.statusMessage) > loseAt);
  const lostMs = performance.now();
  await worker.lose();
  printer.event(`${backend.lossBy} ${worker.name} (${worker.where}) at ${statusMessage}`);
  printer.event(`nobody renews its lease any more: ${LEASE_MS} ms, attempt ${before.attempt}, token ${before.token}`);

  const handed = await crew.handedOver(taskId, "orphaned");
  const after = await handed.worker.inbox.first("started", taskId, soon);
  printer.event(
    `${handed.worker.name} took task A over ${seconds(after.atMs - lostMs)} after the loss: ` +
      `attempt ${after.attempt}, token ${after.token}`,
  );
  const ghost = await writeWithToken(stage, taskId, before.token);
  printer.event(`a write with the first token ${before.token}: ${ghost}`);
  return { before, lostMs, handed, after, ghost };
}

/** What a worker that only seems dead would try. @returns the code of the refusal, or "written" */
async function writeWithToken({ store }: Stage, taskId: string, lease: number): Promise<string> {
  try {
    await store.updateTask(taskId, { statusMessage: "written by a ghost" }, { lease });
    return "written";
  } catch (error) {
    if (!isTaskStoreError(error)) throw error;
    return error.code;
  }
}

function claimsOf(
  { backend, expected }: Stage,
  { before, lostMs, handed, after, ghost }: Succession,
  a: Ended,
  b: Ended,
  { heard, asked }: { readonly heard: number; readonly asked: number },
): readonly Claim[] {
  const lookAt = "examples/demo/src/acts/takeover.ts; core: maintenance.ts, heartbeat.ts";
  return [
    {
      text: `the task of a ${backend.lost} worker is taken over`,
      holds: handed.worker.isAlive && after.attempt > before.attempt,
      figure:
        `${seconds(after.atMs - lostMs)} after the loss, announced at ${seconds(handed.atMs - lostMs)} ` +
        `(lease ${LEASE_MS} ms, maintenance every ${MAINTENANCE_EVERY_MS} ms)`,
      lookAt,
    },
    {
      text: "and finished with the right result",
      holds: isExpected(a.task, expected),
      figure: `${a.task.status} at attempt ${a.attempts}: ${compared(a.task, expected)}`,
      lookAt: "examples/demo/src/digest-files.ts, expected-result.ts",
    },
    {
      text: "the first worker's token is worth nothing then",
      holds: ghost === "LEASE_LOST" && after.token > before.token,
      figure: `${ghost}; tokens ${before.token} → ${after.token}`,
      lookAt: "core: transitions.ts, guard lease",
    },
    {
      text: "the task beside it is right, and was not disturbed",
      holds: b.attempts === 1 && isExpected(b.task, expected),
      figure: `${b.task.status} at attempt ${b.attempts}: ${compared(b.task, expected)}`,
      lookAt,
    },
    {
      text: "the client heard of all that without asking",
      // Each task's start and end are four; what is more is progress.
      holds: heard > 4 && asked === 0,
      figure: `${heard} notifications on one stream, ${asked} requests`,
      lookAt: "sdk: v2/task-feed.ts",
    },
  ];
}
