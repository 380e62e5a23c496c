/** Act 2: a tool asks its user; where tasks outlive the server, the server is killed before the answer. */
import {
  type ClientTask,
  type InputRequest,
  isOver,
  type TaskClient,
} from "@mcp-task-store/example-servers/task-client";
import type { Claim } from "../claims.ts";
import { compared, isExpected } from "../expected-result.ts";
import { seconds } from "../printer.ts";
import { short, type Stage } from "../stage.ts";
import { showProgress } from "../watch.ts";
import { asError } from "../within.ts";

const DEADLINE_MS = 30_000;

export async function question(stage: Stage): Promise<readonly Claim[]> {
  const { alice, backend, crew, expected, order, printer } = stage;
  await crew.pair();
  const signal = AbortSignal.any([stage.signal, AbortSignal.timeout(DEADLINE_MS)]);
  const { taskId } = await alice.startTask("publish_digest", { ...order });
  const { worker } = await crew.handedOver(taskId, "created");
  const asking = await alice.follow(taskId, signal, ({ status }) => status === "input_required");
  const [key, { params }] = onlyQuestion(asking);
  printer.event(`task C (${short(taskId)}) on ${worker.name} asks alice: ${params?.message}`);
  const { ending } = await worker.inbox.first("ended", taskId, { deadlineMs: DEADLINE_MS, signal });
  printer.event(`${worker.name} is free: its run ended as ${ending}`);

  const restart = backend.canLoseServer ? [await loseServer(stage, asking)] : [];
  await alice.answer(taskId, { [key]: { action: "accept", content: { publish: true } } });
  const answered = await crew.handedOver(taskId, "answered");
  printer.event(`alice agreed; the server gave task C to ${answered.worker.name} (${answered.worker.where})`);
  const task = await alice.follow(taskId, signal, (each) => {
    showProgress(printer, "task C", each);
    return isOver(each);
  });
  printer.endProgress(taskId);
  const lookAt = "examples/demo/src/acts/question.ts; sdk: elicitation.ts, v2/answers.ts";
  return [
    {
      text: "a question waits for the user, and no worker with it",
      holds: ending === "input_required",
      figure: `the run on ${worker.name} ended as ${ending}`,
      lookAt,
    },
    ...restart,
    {
      text: "answered, the tool goes on to the right result",
      holds: isExpected(task, expected),
      figure: `${task.status} on ${answered.worker.name}: ${compared(task, expected)}`,
      lookAt,
    },
  ];
}

/** Kills the server and starts it again; the client keeps its connection and its task id. */
async function loseServer({ alice, printer, service }: Stage, before: ClientTask): Promise<Claim> {
  const lost = service.current;
  const lostMs = performance.now();
  await lost.lose();
  const deaf = await failureOf(alice, before.taskId);
  printer.event(`SIGKILL: the MCP server (${lost.where}); alice's next call: ${deaf ?? "answered"}`);
  const next = await service.startAgain();
  const after = await alice.getTask(before.taskId);
  const tookMs = performance.now() - lostMs;
  printer.event(`the MCP server again (${next.where}), at the same address; task C is ${after.status}`);
  const isSame = JSON.stringify(after.inputRequests) === JSON.stringify(before.inputRequests);
  return {
    text: "the server is killed; the client goes on with the same task",
    holds: !lost.isAlive && deaf !== undefined && lost.where !== next.where && after.taskId === before.taskId && isSame,
    figure: `${lost.where} → ${next.where}, ${seconds(tookMs)} later: ${after.status}, ${isSame ? "the same" : "another"} question`,
    lookAt: "examples/demo/src/acts/question.ts, server/",
  };
}

function onlyQuestion({ inputRequests = {} }: ClientTask): readonly [string, InputRequest] {
  const questions = Object.entries(inputRequests);
  const [first] = questions;
  if (first === undefined || questions.length > 1)
    throw new Error(`the task asks ${questions.length} questions, not 1`);
  return first;
}

async function failureOf(client: TaskClient, taskId: string): Promise<string | undefined> {
  try {
    await client.getTask(taskId);
    return undefined;
  } catch (error) {
    return asError(error).message;
  }
}
