/** A queue that is stored and made again behind every step goes on as one that was never put down. */
import { array, assert, constantFrom, integer, oneof, option, property, record } from "fast-check";
import { expect, it } from "vitest";
import { MessageQueue, pushMessage, takeMessages } from "../src/message-queue.ts";
import { born } from "../src/transitions.ts";

const row = born(
  {
    taskId: "t",
    createId: "c",
    scope: null,
    generation: null,
    statusMessage: null,
    ttlMs: null,
    pollIntervalMs: 500,
    claimInMs: 1_000,
    metadata: null,
    request: null,
    notAfterUs: 0,
  },
  0,
);
const names = constantFrom("a", "b", "c", "d", "e");
const steps = array(
  oneof(
    record({ push: names, maxSize: integer({ min: 1, max: 4 }) }),
    record({ take: names, limit: option(integer({ min: 1, max: 3 })) }),
  ),
  { maxLength: 40 },
);

type Step =
  | { readonly push: string; readonly maxSize: number }
  | { readonly take: string; readonly limit: number | null };

function play(queue: MessageQueue, step: Step, nowUs: number): unknown {
  const call = { taskId: "t", notAfterUs: nowUs };
  if ("push" in step) {
    const message = { messageId: step.push, text: `"${step.push}"` };
    return pushMessage(row, queue, { ...call, message, maxSize: step.maxSize }, nowUs).answer;
  }
  return takeMessages(row, queue, { ...call, receipt: step.take, limit: step.limit, keepMs: 5 }, nowUs);
}

it("keeps all of itself in its state, which is plain JSON", () => {
  assert(
    property(steps, (all) => {
      const whole = new MessageQueue();
      let stored = JSON.stringify(new MessageQueue().state);
      for (const [index, step] of all.entries()) {
        const nowUs = index * 1_000;
        const queue = new MessageQueue(JSON.parse(stored));
        expect(play(queue, step, nowUs)).toEqual(play(whole, step, nowUs));
        stored = JSON.stringify(queue.state);
      }
      expect(JSON.parse(stored)).toEqual(whole.state);
    }),
  );
});
