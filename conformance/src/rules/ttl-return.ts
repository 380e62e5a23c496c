import { attempt } from "../attempt.ts";
import type { Bout } from "../races/duel.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, notFound } from "../wants.ts";
import { COMPLETED } from "./endings.ts";

const HOUR_MS = 3_600_000;

type Crossed = Bout<string, unknown, boolean, unknown>;

export const noReturn: Rule = defineRule({
  id: "ttl/no-return",
  title: "A task that was seen to be gone never comes back",
  level: "promise",
  source: ["P7"],
  mutants: ["recovery-resurrects", "acquire-resurrects"],
  isolated: true,
  async act(kit) {
    const { taskId } = await kit.task({ ttlMs: kit.timing.unitMs });
    await kit.elapse(kit.timing.unitMs);
    const reads = [await attempt(kit.A.getTask(taskId))];
    const look = async (after: Promise<unknown>): Promise<void> => {
      await attempt(after);
      reads.push(await attempt(kit.A.getTask(taskId)), await attempt(kit.B.getTask(taskId)));
    };
    await look(kit.B.acquireLease(taskId, { holder: "late", leaseMs: HOUR_MS }));
    await look(kit.B.finishTask(taskId, COMPLETED, { force: true }));
    await look(kit.B.renewLease(taskId, 1, { leaseMs: HOUR_MS }));
    await look(kit.B.maintain());
    await look(kit.A.maintain());
    return reads;
  },
  judge(expect, reads) {
    for (const [index, read] of reads.entries()) {
      expect(`read an expired task, time ${index + 1}, after late calls and maintenance`, read, notFound);
    }
  },
});

export const deleted: Rule = defineRule({
  id: "ttl/deleted",
  title: "A write that crosses a delete does not bring the task back",
  level: "promise",
  source: ["P1", "P7"],
  mutants: ["finish-resurrects"],
  async act(kit) {
    const crossed = (left: (taskId: string) => Promise<unknown>): Promise<readonly Crossed[]> =>
      kit.duel({
        over: async () => (await kit.task()).taskId,
        left,
        right: (taskId) => kit.B.deleteTask(taskId),
        after: (taskId) => kit.A.getTask(taskId),
      });
    return {
      finish: await crossed((taskId) => kit.A.finishTask(taskId, COMPLETED)),
      report: await crossed((taskId) => kit.A.updateTask(taskId, { statusMessage: "late" })),
    };
  },
  judge(expect, seen) {
    for (const [write, bouts] of Object.entries(seen)) {
      for (const { right, after, first, pause } of bouts) {
        const did = `${write} a task in A while B deletes it (${first} first, ${pause})`;
        expect(`${did}: the delete`, right, fulfilled(equalTo(true)));
        expect(`${did}, then read`, after, equalTo(undefined));
      }
    }
  },
});
