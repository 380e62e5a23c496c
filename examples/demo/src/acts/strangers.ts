/** Act 4: somebody else knows the id of alice's task, and tries everything with it. */
import { randomUUID } from "node:crypto";
import { ProtocolError } from "@modelcontextprotocol/client";
import type { Claim } from "../claims.ts";
import { type Stage } from "../stage.ts";
import { asError } from "../within.ts";

const DEADLINE_MS = 20_000;
const TRIES = ["tasks/get", "tasks/update", "tasks/cancel"] as const;

export async function strangers(stage: Stage): Promise<readonly Claim[]> {
  const { alice, bob, crew, order, printer, service, store } = stage;
  await crew.pair();
  const signal = AbortSignal.any([stage.signal, AbortSignal.timeout(DEADLINE_MS)]);
  const { taskId } = await alice.startTask("publish_digest", { ...order });
  const { worker } = await crew.handedOver(taskId, "created");
  const { inputRequests = {} } = await alice.follow(taskId, signal, ({ status }) => status === "input_required");
  await worker.inbox.first("ended", taskId, { deadlineMs: DEADLINE_MS, signal });
  const [key = ""] = Object.keys(inputRequests);
  const before = await store.getTask(taskId);

  let heard = 0;
  const unsubscribe = await bob.subscribe([taskId], () => (heard += 1));
  const told: string[] = [];
  for (const method of TRIES) {
    const foreign = await answerTo(stage, method, taskId, key);
    const unknown = await answerTo(stage, method, randomUUID(), key);
    printer.event(`bob sends ${method} of alice's task: ${foreign}; of no task at all: ${unknown}`);
    if (foreign !== unknown || !foreign.startsWith("-32602")) told.push(`${method}: ${foreign}`);
  }
  const untouched = (await store.getTask(taskId))?.revision === before?.revision;
  const stranger = await fetch(service.url, { method: "POST", body: "{}" });
  printer.event(`without a token: HTTP ${stranger.status}`);

  await alice.answer(taskId, { [key]: { action: "decline" } });
  const { status } = await alice.follow(taskId, signal);
  await unsubscribe();
  printer.event(`alice answers, and her task is ${status}; bob, subscribed to it, heard ${heard} times of it`);
  return [
    {
      text: "a second principal learns nothing, and changes nothing",
      holds: told.length === 0 && untouched && heard === 0 && stranger.status === 401 && status === "completed",
      figure:
        told.length > 0
          ? told.join("; ")
          : `get, update, cancel: as for no task at all; ${heard} notifications; without a token HTTP ${stranger.status}`,
      lookAt: "examples/demo/src/acts/strangers.ts; core: scope rules",
    },
  ];
}

/** What bob is told, without the id in it. */
async function answerTo({ bob }: Stage, method: (typeof TRIES)[number], taskId: string, key: string): Promise<string> {
  const inputResponses = { [key]: { action: "accept", content: { publish: true } } };
  try {
    const answer = await bob.request(method, method === "tasks/update" ? { taskId, inputResponses } : { taskId });
    return JSON.stringify(answer);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw asError(error);
    return `${error.code} ${error.message.replaceAll(taskId, "…")}`;
  }
}
