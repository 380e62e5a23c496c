import { anyEnd } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import { fulfilled, settled, which } from "../wants.ts";
import { RECONNECT_MS } from "./wired-calls.ts";

/** So far ahead that only a hint can wake in time. */
const NO_POLL_MS = 600_000;

export const gap: Rule = defineRule({
  id: "wait/gap",
  title: "A write at any step of a wait wakes it",
  level: "promise",
  source: ["P4"],
  needs: ["pushHints"],
  mutants: ["wake-between", "wake-old-read"],
  histories: {},
  settings: () => ({ safetyPollMs: NO_POLL_MS }),
  act: (kit) =>
    kit.duel({
      over: () => kit.task(),
      left: ({ taskId, revision }) => kit.A.waitForUpdate(taskId, { since: revision, signal: kit.signal }),
      right: ({ taskId }) => kit.B.updateTask(taskId, { statusMessage: "now" }),
      after: ({ taskId }) => kit.B.getTask(taskId),
    }),
  judge(expect, bouts) {
    for (const { left, right, after, subject, pause } of bouts) {
      const did = `wait in A while B writes (${pause}), with a safety poll of ten minutes`;
      expect(`${did}: the write`, right, fulfilled());
      expect(`${did}: the wait`, left, settled);
      const news = which<typeof after>(
        "the task as B left it",
        (task) => task !== undefined && task.revision !== subject.revision,
      );
      expect(`${did}: the wait`, left, fulfilled(news));
    }
  },
});

/** Far from every deadline, and soon enough for a rule. */
const SOON_POLL_MS = 200;

export const outage: Rule = defineRule({
  id: "wait/outage",
  title: "A wait lives through an outage and shows what happened meanwhile",
  level: "promise",
  source: ["P4"],
  needs: ["via"],
  mutants: ["waiter-dies", "hint-only"],
  settings: () => ({ safetyPollMs: SOON_POLL_MS }),
  async act(kit) {
    const { store, wire } = await kit.wired();
    const { taskId, revision } = await kit.task();
    // Woken once, it is connected and listens, and has looked for what it may have missed before it did.
    const early = anyEnd(store.waitForUpdate(taskId, { since: revision, signal: kit.signal }));
    const { revision: since } = await kit.B.updateTask(taskId, { statusMessage: "before" });
    await kit.settles(early);
    const waiting = anyEnd(store.waitForUpdate(taskId, { since, signal: kit.signal }));
    // It has looked once when another wait of the same store has given up; the first one is judged. A look that is still
    // on its way would be repeated after the outage, and wake without a hint or a poll.
    await anyEnd(store.waitForUpdate(taskId, { since, timeoutMs: 2 * SOON_POLL_MS }));
    await anyEnd(store.getTask(taskId));
    wire.cut();
    const { revision: written } = await kit.B.updateTask(taskId, { statusMessage: "meanwhile" });
    // The wait is to meet the outage, too, also where this process stands still for the first of these.
    for (let call = 0; call < 2; call += 1) await anyEnd(store.getTask(taskId, { timeoutMs: 2 * SOON_POLL_MS }));
    wire.heal();
    return { written, woken: await kit.settles(waiting, RECONNECT_MS) };
  },
  judge(expect, { written, woken }) {
    const did = "wait, cut the connections, write by another, let them come back";
    expect(did, woken, settled);
    const shows = which<typeof woken>("the task as the other left it", (end) => {
      return end.kind === "fulfilled" && end.value.kind === "fulfilled" && end.value.value?.revision === written;
    });
    expect(did, woken, shows);
  },
});
