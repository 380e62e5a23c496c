import { setImmediate } from "node:timers/promises";
import type { Lease, Task } from "@mcp-task-store/core";
import { type Attempt, attempt, CouldNotRun } from "../attempt.ts";
import { deferred } from "../deferred.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { cancelledOrGone, equalTo, fulfilled, refused, settled, which } from "../wants.ts";

/** An error that looks like JSON-RPC's, as SDKs throw it. */
class RpcLikeError extends Error {
  readonly code = -32042;
  readonly data = { city: "Ys" };
}

/** Things that code throws. Reading some of them throws again, and others are no errors at all. */
const THROWN: Readonly<Record<string, () => unknown>> = {
  "an Error": () => new Error("boom"),
  undefined: () => undefined,
  null: () => null,
  "a string": () => "boom",
  "a circular object": () => {
    const circular: Record<string, unknown> = { name: "circular" };
    circular["self"] = circular;
    return circular;
  },
  "a JSON-RPC error": () => new RpcLikeError("no such city"),
  "an object whose getters throw": () => ({
    get message(): string {
      throw new Error("read");
    },
    get code(): number {
      throw new Error("read");
    },
  }),
  "an Error with NUL in its text": () => new Error("a\u0000b"),
};

export const autoFail: Rule = defineRule({
  id: "exec/auto-fail",
  title: "Whatever a handler throws ends its task as failed",
  level: "promise",
  source: ["S-65", "X-10", "X-21"],
  mutants: ["exec-leaves-working", "exec-rethrows", "exec-reads-message", "exec-ghost"],
  async act(kit) {
    const runs = await Promise.all(
      Object.entries(THROWN).map(async ([what, make]) => {
        const task = await kit.task();
        const waiting = attempt(kit.B.waitForOutcome(task.taskId, { timeoutMs: 2 * kit.timing.deadlineMs }));
        const run = await kit.settles(
          kit.execute(kit.A, task.taskId, () => {
            throw make();
          }),
        );
        const after = await kit.B.getTask(task.taskId, { outcome: true });
        // Nobody writes any more: a waiter that sleeps on is ended, so that the rule ends too.
        if (after?.status === "working") await kit.A.cancelTask(task.taskId);
        return { what, run, after, waited: await waiting };
      }),
    );
    let called = false;
    const ghost = await attempt(
      kit.execute(kit.A, kit.taskId("missing"), async () => {
        called = true;
      }),
    );
    return { runs, ghost, called };
  },
  judge(expect, { runs, ghost, called }) {
    for (const { what, run, after, waited } of runs) {
      const did = `run a handler that throws ${what}`;
      expect(`${did}: the call`, run, fulfilled());
      const failed = which<Task | undefined>(
        "failed, with an error of integer code and text",
        (task) => task?.outcome?.status === "failed" && "error" in task.outcome && isRpcError(task.outcome.error),
      );
      expect(`${did}, then read`, after, failed);
      expect(
        `${did}: a waiter`,
        waited,
        fulfilled(which("the failed outcome", (outcome) => outcome?.status === "failed")),
      );
      if (what !== "a JSON-RPC error") continue;
      const kept = { code: -32042, message: "no such city", data: { city: "Ys" } };
      const error = after?.outcome?.status === "failed" && "error" in after.outcome ? after.outcome.error : undefined;
      expect(`${did}, then read its error`, error, equalTo(kept));
    }
    expect("run a handler on an unknown task", ghost, refused("TASK_NOT_FOUND"));
    expect("look whether that handler was called", called, equalTo(false));
  },
});

function isRpcError(error: { readonly code: unknown; readonly message: unknown }): boolean {
  return Number.isInteger(error.code) && typeof error.message === "string";
}

export const keepsTerminal: Rule = defineRule({
  id: "exec/keeps-terminal",
  title: "A throw after the end changes nothing, and a cancelled run is no failure",
  level: "promise",
  source: ["S-24", "P1", "P9"],
  guards: ["https://github.com/apify/apify-mcp-server/issues/645"],
  mutants: ["exec-fail-blind", "exec-abort-fails"],
  async act(kit) {
    const finishing = await kit.task();
    const finished = await attempt(
      kit.execute(kit.A, finishing.taskId, async (context) => {
        await context.complete({ answer: 42 });
        throw new Error("too late");
      }),
    );
    const cancelled = await kit.task();
    const hard = await attempt(
      kit.execute(kit.A, cancelled.taskId, async () => {
        await kit.B.cancelTask(cancelled.taskId);
        throw new Error("too late");
      }),
    );
    const asked = await kit.task();
    const soft = await attempt(
      kit.execute(kit.A, asked.taskId, async ({ signal }) => {
        const aborted = deferred();
        signal.addEventListener("abort", () => aborted.resolve());
        await kit.B.requestCancellation(asked.taskId);
        await kit.settles(aborted.promise);
        throw new Error("aborted");
      }),
    );
    const read = (taskId: string): Promise<Task | undefined> => kit.B.getTask(taskId, { outcome: true });
    return {
      finished,
      hard,
      soft,
      reads: [await read(finishing.taskId), await read(cancelled.taskId), await read(asked.taskId)],
    };
  },
  judge(expect, { finished, hard, soft, reads }) {
    const [complete, afterHard, afterSoft] = reads;
    expect("complete, then throw: the call", finished, fulfilled());
    expect(
      "complete, then throw: the outcome",
      complete?.outcome,
      equalTo({ status: "completed", result: { answer: 42 } }),
    );
    expect("cancel by another process, then throw: the call", hard, fulfilled());
    expect("cancel by another process, then throw: the task", afterHard, cancelledOrGone);
    expect("ask for cancellation, throw when the signal fires: the call", soft, fulfilled());
    expect("ask for cancellation, throw when the signal fires: the task", afterSoft, cancelledOrGone);
  },
});

/**
 * A handler that works on while another process looks at its lease until it has moved three times, then returns
 * nothing. `stalledMs` is the longest time that this process or the backend stood still meanwhile, or while the run
 * took its task: a lease may run out before its first heartbeat, too.
 */
async function longRun(kit: Kit, leaseMs: number): Promise<LongRun> {
  const { taskId } = await kit.task();
  const started = deferred();
  const end = deferred();
  const work = async (): Promise<void> => {
    started.resolve();
    await end.promise;
  };
  const ends = new Set<string>();
  const startedAt = performance.now();
  let looked = startedAt;
  let stalledMs = 0;
  const run = kit.execute(kit.A, taskId, work, { leaseMs, holder: "long" });
  await Promise.race([started.promise, run]);
  const look = async (): Promise<number> => {
    const task = await kit.B.getTask(taskId);
    if (task?.lease !== undefined) ends.add(task.lease.expiresAt);
    stalledMs = Math.max(stalledMs, performance.now() - looked);
    looked = performance.now();
    return ends.size;
  };
  const isOver = (): boolean => stalledMs > leaseMs / 4 || looked - startedAt > 4 * leaseMs;
  const moved = await kit.until(look, (count) => count > 3 || isOver(), 4 * leaseMs);
  const steal = await kit.B.acquireLease(taskId, { holder: "thief" });
  end.resolve();
  const ended = await attempt(run);
  const free = await kit.B.getTask(taskId);
  const next = await kit.B.acquireLease(taskId, { holder: "next" });
  stalledMs = Math.max(stalledMs, performance.now() - looked);
  return { moved, steal, ended, free, next, stalledMs };
}

interface LongRun {
  readonly moved: number;
  readonly steal: Lease | undefined;
  readonly ended: Attempt<Task>;
  readonly free: Task | undefined;
  readonly next: Lease | undefined;
  readonly stalledMs: number;
}

export const lease: Rule = defineRule({
  id: "exec/lease",
  title: "A run keeps its lease however long it works, and gives it back at its end",
  level: "promise",
  source: ["P8"],
  mutants: ["exec-no-heartbeat", "exec-keeps-lease", "exec-completes-undefined"],
  async act(kit) {
    let leaseMs = Math.max(300, kit.timing.unitMs);
    let long = await longRun(kit, leaseMs);
    for (let repeats = 0; long.stalledMs > leaseMs / 4; repeats += 1) {
      if (repeats === 5) throw new CouldNotRun(`this machine stands still for ${long.stalledMs} ms at a time`);
      // Twice what the longest stall asks for: on a busy machine small steps would use up the rule's time.
      leaseMs = Math.max(2 * leaseMs, 8 * Math.ceil(long.stalledMs));
      long = await longRun(kit, leaseMs);
    }
    const second = await kit.task();
    const returned = await attempt(kit.execute(kit.A, second.taskId, async () => ({ answer: 42 })));
    return { ...long, returned, outcome: await kit.B.getOutcome(second.taskId) };
  },
  judge(expect, { moved, steal, ended, free, next, returned, outcome }) {
    expect(
      "let a handler work on and watch the end of its lease",
      moved,
      which("moved three times", (count) => count > 3),
    );
    expect("take the task from another process meanwhile", steal, equalTo(undefined));
    expect("let the handler return nothing", ended, fulfilled());
    expect("read the task then", free?.status, equalTo("working"));
    expect(
      "take it from another process at once",
      next,
      which("a lease", (seen) => seen !== undefined),
    );
    expect("let a handler return an object", returned, fulfilled());
    expect("read that outcome", outcome, equalTo({ status: "completed", result: { answer: 42 } }));
  },
});

export const maxRun: Rule = defineRule({
  id: "exec/max-run",
  title: "A run that only sends heartbeats ends at its limit",
  level: "promise",
  source: ["P8"],
  mutants: ["run-forever", "run-restarts"],
  isolated: true,
  async act(kit) {
    const { taskId } = await kit.task();
    const maxRunMs = kit.timing.unitMs;
    const aborted = deferred();
    const end = deferred();
    const run = kit.execute(
      kit.A,
      taskId,
      async ({ signal }) => {
        signal.addEventListener("abort", () => aborted.resolve());
        await end.promise;
      },
      // Long enough that only the run's limit can end it.
      { leaseMs: 3_600_000, maxRunMs },
    );
    run.catch(() => undefined);
    await kit.elapse(2 * maxRunMs);
    const heard = await kit.settles(aborted.promise);
    const after = await kit.until(
      async () => {
        await kit.B.maintain();
        await setImmediate();
        return kit.B.getTask(taskId, { outcome: true });
      },
      (task) => task?.status !== "working",
    );
    end.resolve();
    await attempt(run);
    const renewed = await kit.task();
    const lease = await kit.A.acquireLease(renewed.taskId, { holder: "long", leaseMs: 3_600_000, maxRunMs });
    if (lease !== undefined) await attempt(kit.A.renewLease(renewed.taskId, lease.token, { leaseMs: 3_600_000 }));
    await kit.elapse(maxRunMs);
    await kit.B.maintain();
    const beaten = await kit.B.getTask(renewed.taskId, { outcome: true });
    return { heard, after, last: await kit.B.getTask(taskId, { outcome: true }), beaten };
  },
  judge(expect, { heard, after, last, beaten }) {
    expect("let a handler run past maxRunMs: its signal", heard, settled);
    const failed = which<Task | undefined>(
      "failed, with an error",
      (task) => task?.outcome?.status === "failed" && "error" in task.outcome,
    );
    expect("maintain then and read the task", after, failed);
    expect("let the handler return and read again", last, failed);
    expect("take a task with maxRunMs, send a heartbeat, let the time go by, maintain", beaten, failed);
  },
});
