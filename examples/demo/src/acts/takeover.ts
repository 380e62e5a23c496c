/** Act 1: two tasks on two workers; one worker is lost midway, and the other finishes its task. */
import { isTaskStoreError, type Task } from "@mcp-task-store/core";
import type { Claim } from "../claims.ts";
import { progressIn } from "../digest-files.ts";
import { compared, isExpected } from "../expected-result.ts";
import { seconds } from "../printer.ts";
import { createDigestTask, follow, type Stage } from "../stage.ts";
import { LEASE_MS, MAINTENANCE_EVERY_MS } from "../store-options.ts";
import type { Received } from "../workers/inbox.ts";
import type { MessageOf } from "../workers/messages.ts";

const DEADLINE_MS = 30_000;

type Started = Received<MessageOf<"started">>;

/** How a task changed hands. Times are this process's monotonic clock. */
interface Succession {
  readonly before: Started;
  readonly lostMs: number;
  readonly handedMs: number;
  readonly heir: string;
  readonly after: Started;
  /** What a write with the first token was answered. */
  readonly ghost: string;
}

export async function takeover(stage: Stage): Promise<readonly Claim[]> {
  const { client, crew, printer } = stage;
  const [first, second] = await crew.pair();
  const taskA = (await createDigestTask(stage)).taskId;
  const taskB = (await createDigestTask(stage)).taskId;
  printer.event(`task A to ${first.name} (${first.where}), task B to ${second.name} (${second.where})`);
  first.send({ type: "run", taskId: taskA });
  second.send({ type: "run", taskId: taskB });

  const succession = await loseWorkerMidway(stage, taskA, taskB);
  const [a, b] = await Promise.all([taskA, taskB].map((taskId) => client.getTask(taskId, { outcome: true })));
  printer.event(`task A is ${a?.status} at attempt ${a?.attempts}, task B ${b?.status} at attempt ${b?.attempts}`);
  return claimsOf(stage, succession, a, b);
}

async function loseWorkerMidway(stage: Stage, taskA: string, taskB: string): Promise<Succession> {
  const { crew, printer, signal, random, backend } = stage;
  const [first] = await crew.pair();
  const soon = { deadlineMs: DEADLINE_MS, signal };
  const before = await first.inbox.first("started", taskA, soon);
  const loseAt = random.between(1 / 3, 1 / 2);
  let lostMs: number | undefined;
  let succession: Succession | undefined;
  const labels = new Map([
    [taskA, "task A"],
    [taskB, "task B"],
  ]);
  await follow(stage, labels, DEADLINE_MS, async (task) => {
    if (task.taskId !== taskA) return "more";
    if (lostMs === undefined && progressIn(task.statusMessage) > loseAt) {
      lostMs = performance.now();
      await first.lose();
      printer.event(`${backend.lossBy} ${first.name} (${first.where}) at ${task.statusMessage}`);
      printer.event(
        `nobody renews its lease any more: ${LEASE_MS} ms, attempt ${before.attempt}, token ${before.token}`,
      );
    }
    const holder = task.lease?.holder;
    if (lostMs !== undefined && succession === undefined && holder !== undefined && holder !== first.name) {
      const handOver = crew.handOverOf(taskA);
      if (handOver === undefined) throw new Error(`task A is held by ${holder}, to whom nobody gave it`);
      const after = await handOver.worker.inbox.first("started", taskA, soon);
      printer.event(
        `${holder} took task A over ${seconds(after.atMs - lostMs)} after the loss: attempt ${after.attempt}, token ${after.token}`,
      );
      const ghost = await writeWithToken(stage, taskA, before.token);
      printer.event(`a write with the first token ${before.token}: ${ghost}`);
      succession = { before, lostMs, handedMs: handOver.atMs, heir: holder, after, ghost };
    }
    return "more";
  });
  if (succession === undefined) throw new Error("task A was over before anybody took it over");
  return succession;
}

/** What a worker that only seems dead would try. @returns the code of the refusal, or "written" */
async function writeWithToken({ client }: Stage, taskId: string, lease: number): Promise<string> {
  try {
    await client.updateTask(taskId, { statusMessage: "written by a ghost" }, { lease });
    return "written";
  } catch (error) {
    if (!isTaskStoreError(error)) throw error;
    return error.code;
  }
}

function claimsOf(
  { backend, expected, crew }: Stage,
  { before, lostMs, handedMs, heir, after, ghost }: Succession,
  a: Task | undefined,
  b: Task | undefined,
): readonly Claim[] {
  const lookAt = "examples/demo/src/acts/takeover.ts; core: maintenance.ts, heartbeat.ts";
  return [
    {
      text: `the task of a ${backend.lost} worker is taken over`,
      holds: crew.living.some(({ name }) => name === heir) && after.attempt > before.attempt,
      figure:
        `${seconds(after.atMs - lostMs)} after the loss, announced at ${seconds(handedMs - lostMs)} ` +
        `(lease ${LEASE_MS} ms, maintenance every ${MAINTENANCE_EVERY_MS} ms)`,
      lookAt,
    },
    {
      text: "and finished with the right result",
      holds: isExpected(a?.outcome, expected),
      figure: `${a?.status} at attempt ${a?.attempts}: ${compared(a?.outcome, expected)}`,
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
      holds: b?.attempts === 1 && isExpected(b.outcome, expected),
      figure: `${b?.status} at attempt ${b?.attempts}: ${compared(b?.outcome, expected)}`,
      lookAt,
    },
  ];
}
