/** Act 5: complete and cancel of one task, at once, from two workers; many times. */
import type { Claim } from "../claims.ts";
import { short, type Stage } from "../stage.ts";
import type { Received } from "../workers/inbox.ts";
import type { MessageOf } from "../workers/messages.ts";
import type { Worker } from "../workers/worker.ts";

const ROUNDS = 20;
const DEADLINE_MS = 15_000;
/** Longest advantage of one side, ms: about as long as a call takes, so that either may win. */
const HEAD_START_MS = 2;

interface Round {
  readonly taskId: string;
  readonly completer: Received<MessageOf<"raced">>;
  readonly canceller: Received<MessageOf<"raced">>;
  /** As others read them afterwards. */
  readonly status: string | undefined;
  readonly outcome: string | undefined;
}

export async function race(stage: Stage): Promise<readonly Claim[]> {
  const { crew, printer, random } = stage;
  const pair = await crew.pair();
  const bad: string[] = [];
  const score = { completed: 0, cancelled: 0 };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const [completer, canceller] = random.coin() ? pair : [pair[1], pair[0]];
    const ended = await raceOnce(stage, completer, canceller);
    const fault = faultOf(ended);
    if (fault !== undefined) bad.push(`round ${round}, task ${short(ended.taskId)}: ${fault}`);
    else if (ended.status === "completed") score.completed += 1;
    else score.cancelled += 1;
    const text = `complete ${score.completed} : ${score.cancelled} cancel`;
    printer.progress("race", { label: "round", fraction: round / ROUNDS, text });
  }
  printer.endProgress("race");
  for (const fault of bad) printer.event(fault);
  const figure = `${ROUNDS} rounds, complete ${score.completed} : ${score.cancelled} cancel, ${bad.length} without one clear winner`;
  printer.event(figure);
  return [
    {
      text: "complete against cancel: exactly one winner",
      holds: bad.length === 0 && score.completed + score.cancelled === ROUNDS,
      figure,
      lookAt: "examples/demo/src/acts/race.ts; the driver's write: lock, guards and change in one step",
    },
  ];
}

async function raceOnce(stage: Stage, completer: Worker, canceller: Worker): Promise<Round> {
  const { store, random, signal } = stage;
  const { taskId } = await store.createTask({ ttlMs: 600_000 });
  const soon = { deadlineMs: DEADLINE_MS, signal };
  const headStartMs = (): number => random.between(0, HEAD_START_MS);
  completer.send({ type: "prepare", taskId, role: "complete", headStartMs: headStartMs() });
  canceller.send({ type: "prepare", taskId, role: "cancel", headStartMs: headStartMs() });
  const both = random.coin() ? [completer, canceller] : [canceller, completer];
  // The barrier: nobody starts before both are ready.
  await Promise.all(both.map(({ inbox }) => inbox.first("prepared", taskId, soon)));
  for (const worker of both) worker.send({ type: "go" });
  const [completerEnd, cancellerEnd] = await Promise.all([
    completer.inbox.first("raced", taskId, soon),
    canceller.inbox.first("raced", taskId, soon),
  ]);
  const task = await store.getTask(taskId, { outcome: true });
  return {
    taskId,
    completer: completerEnd,
    canceller: cancellerEnd,
    status: task?.status,
    outcome: task?.outcome?.status,
  };
}

/** Exactly one side won, the other was refused with the task as it stands, and everybody reads the winner's end. */
function faultOf({ completer, canceller, status, outcome }: Round): string | undefined {
  const winners = [completer, canceller].filter(({ refusal }) => refusal === undefined);
  const [loser] = [completer, canceller].filter(({ refusal }) => refusal !== undefined);
  if (winners.length !== 1 || loser === undefined) return `${winners.length} winners`;
  if (loser.refusal !== "TASK_TERMINAL") return `the loser got ${loser.refusal}`;
  const wanted = winners[0] === completer ? "completed" : "cancelled";
  const seen = [winners[0]?.status, loser.status, status, outcome];
  return seen.every((each) => each === wanted) ? undefined : `${wanted} won, but others saw ${seen.join(", ")}`;
}
