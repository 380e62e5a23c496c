import type { Task } from "@mcp-task-store/core";
import { type Attempt, attempt, CouldNotRun } from "../attempt.ts";
import { deferred } from "../deferred.ts";
import type { Kit } from "../kit.ts";
import { questionFor } from "../question.ts";
import type { Bout } from "../races/duel.ts";
import { defineRule, type Rule, type Want } from "../rule.ts";
import { cancelledOrGone, fulfilled, refused, refusedAsEnded, settled } from "../wants.ts";

const HOUR_MS = 3_600_000;

/** A task, and the token of its lease where it has one. */
interface Late {
  readonly taskId: string;
  readonly token?: number | undefined;
}

interface LateWrite {
  readonly over: (kit: Kit) => Promise<Late>;
  readonly left: (kit: Kit, late: Late) => Promise<unknown>;
}

async function leased(kit: Kit): Promise<Late> {
  const { taskId } = await kit.task();
  const lease = await kit.A.acquireLease(taskId, { holder: "a", leaseMs: HOUR_MS });
  return { taskId, token: lease?.token };
}

/** Writes of which none may undo a cancel that came in between. */
const LATE_WRITES: Readonly<Record<string, LateWrite>> = {
  report: {
    over: (kit) => kit.task(),
    left: (kit, { taskId }) => kit.A.updateTask(taskId, { statusMessage: "half", metadata: { half: true } }),
  },
  ask: {
    over: (kit) => kit.task(),
    left: (kit, { taskId }) => kit.A.requestInputs(taskId, { k: questionFor("k") }),
  },
  answer: {
    over: (kit) => kit.asked(["k"]),
    left: (kit, { taskId }) => kit.A.answerInputs(taskId, { k: { action: "accept" } }),
  },
  take: {
    over: (kit) => kit.task(),
    left: (kit, { taskId }) => kit.A.acquireLease(taskId, { holder: "a", leaseMs: HOUR_MS }),
  },
  renew: {
    over: leased,
    left: (kit, { taskId, token = 1 }) => kit.A.renewLease(taskId, token, { leaseMs: 2 * HOUR_MS }),
  },
  release: {
    over: leased,
    left: (kit, { taskId, token = 1 }) => kit.A.releaseLease(taskId, token),
  },
};

export const raceUpdate: Rule = defineRule({
  id: "cancel/race-update",
  title: "A write that comes late does not bring a cancelled task back",
  level: "must",
  source: ["S-58", "P1"],
  mutants: ["update-revives", "ask-revives", "renew-revives"],
  histories: {},
  async act(kit) {
    const seen: { readonly write: string; readonly bouts: readonly Bout<Late, unknown, Task, Task | undefined>[] }[] =
      [];
    for (const [write, { over, left }] of Object.entries(LATE_WRITES)) {
      const bouts = await kit.duel<Late, unknown, Task, Task | undefined>({
        over: () => over(kit),
        left: (late) => left(kit, late),
        right: ({ taskId }) => kit.B.cancelTask(taskId),
        after: ({ taskId }) => kit.B.getTask(taskId),
      });
      seen.push({ write, bouts });
    }
    return seen;
  },
  judge(expect, seen) {
    for (const { write, bouts } of seen) {
      for (const { left, right, after, first, pause } of bouts) {
        const did = `${write} by A while B cancels (${first === "left" ? write : "cancel"} first, ${pause})`;
        expect(`${did}: the cancel`, right, fulfilled(cancelledOrGone));
        expect(`${did}, then read`, after, cancelledOrGone);
        if (after === undefined) continue;
        if (left.kind !== "fulfilled") expect(`${did}: the ${write}`, left, lateWrite(write, after));
      }
    }
  },
});

/** Who has lost its lease by the end of the task may be told that instead. */
function lateWrite(write: string, after: Task): Want<Attempt<unknown>> {
  const ended = refusedAsEnded(after);
  if (write !== "release" && write !== "renew") return ended;
  const lost = refused("LEASE_LOST");
  return { text: `${ended.text}, or LEASE_LOST`, holds: (seen) => ended.holds(seen) || lost.holds(seen) };
}

/** A run that waits for its signal, stopped by B while a call that it made of the store was held. */
interface EarlyStop {
  readonly how: string;
  readonly where: string;
  /** undefined: the handler never ran. */
  readonly aborted: Attempt<void> | undefined;
  readonly run: Attempt<unknown>;
  readonly after: Task | undefined;
}

const STOPS = ["cancelTask", "requestCancellation"] as const;

async function stopAt(
  kit: Kit,
  how: (typeof STOPS)[number],
  call: number,
  when: "before" | "after",
): Promise<EarlyStop> {
  const { taskId } = await kit.task();
  const gate = kit.gate(kit.A);
  const held = gate.hold(call, when);
  const begun = beginRun(kit, gate.store, taskId);
  // The call that is held may be the one by which the run learns of the stop: it has no answer before that.
  const waits = begun.started.then(() => kit.isPending(begun.run));
  await Promise.race([held.arrived, begun.run, waits]);
  await kit.B[how](taskId);
  held.release();
  const reached = await kit.settles(Promise.race([begun.started, begun.run]));
  const aborted = reached.kind === "fulfilled" && begun.hasStarted() ? await kit.settles(begun.heard) : undefined;
  begun.end();
  const run = await kit.settles(begun.run);
  return { how, where: `${when} its call ${call}`, aborted, run, after: await kit.B.getTask(taskId) };
}

interface BegunRun {
  readonly started: Promise<void>;
  readonly heard: Promise<void>;
  readonly run: Promise<Attempt<Task>>;
  readonly hasStarted: () => boolean;
  readonly end: () => void;
}

function beginRun(kit: Kit, store: Kit["A"], taskId: string): BegunRun {
  const [started, heard, end] = [deferred(), deferred(), deferred()];
  let hasStarted = false;
  const run = attempt(
    kit.execute(store, taskId, async ({ signal }) => {
      signal.addEventListener("abort", () => heard.resolve());
      if (signal.aborted) heard.resolve();
      hasStarted = true;
      started.resolve();
      await Promise.race([heard.promise, end.promise]);
    }),
  );
  return {
    started: started.promise,
    heard: heard.promise,
    run,
    hasStarted: () => hasStarted,
    end: () => end.resolve(),
  };
}

/** How many calls a run makes of the store until it does nothing but wait. */
async function callsOfStart(kit: Kit): Promise<number> {
  const { taskId } = await kit.task();
  const gate = kit.gate(kit.A);
  const begun = beginRun(kit, gate.store, taskId);
  await kit.settles(Promise.race([begun.started, begun.run]));
  if (!begun.hasStarted()) throw new CouldNotRun("a run of a fresh task did not call its handler");
  await kit.isPending(begun.run);
  const { calls } = gate;
  begun.end();
  await begun.run;
  return calls;
}

export const signalEarly: Rule = defineRule({
  id: "cancel/signal-early",
  title: "A cancel that falls into the start of a run aborts its signal, too",
  level: "promise",
  source: ["P9"],
  mutants: ["signal-armed-late"],
  async act(kit) {
    const calls = await callsOfStart(kit);
    const stops: EarlyStop[] = [];
    for (const how of STOPS) {
      for (let call = 1; call <= calls; call += 1) {
        for (const when of ["before", "after"] as const) {
          const stop = await stopAt(kit, how, call, when);
          stops.push(stop);
          // Each that hangs takes a deadline; one is proof enough.
          if (stop.aborted?.kind === "pending") return stops;
        }
      }
    }
    return stops;
  },
  judge(expect, stops) {
    for (const { how, where, aborted, run, after } of stops) {
      const did = `start a run in A, hold it ${where} of the store, ${how} by B, let it go on`;
      if (aborted !== undefined) expect(`${did}: the handler's signal`, aborted, settled);
      expect(`${did}: the run`, run, settled);
      expect(`${did}, then read`, after, cancelledOrGone);
    }
  },
});
