import type { Task, TaskStore } from "@mcp-task-store/core";
import { anyEnd, CouldNotRun, type Settled } from "../attempt.ts";
import type { Kit, Wired } from "../kit.ts";
import { defineRule, type Rule, type Want } from "../rule.ts";
import { cancelledOrGone, equalTo, hasCode, settled, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { LOSSY_PUSH, LOSSY_WRITES, type LossyWrite, turnsOf } from "./lossy-writes.ts";
import { couldNotTell, type End, endedWith, patienceMs, RECONNECT_MS, succeeded, told, warm } from "./wired-calls.ts";

interface Loss {
  readonly did: string;
  readonly end: End;
  /** What others read before the loss, if they saw the write by then, and in the end. */
  readonly early: unknown;
  readonly late: unknown;
  readonly wants: Want<unknown>;
}

/** Lets a store learn the backend's clock, and, as often as not, the task. */
async function lookOnce(kit: Kit, store: TaskStore, taskId: string): Promise<void> {
  await store.getTask(kit.random.next() < 0.5 ? taskId : kit.taskId("of nobody"));
}

/** Loses the connection at one turn of a write, and lets it come back at once. */
async function lose(
  kit: Kit,
  { store, wire }: Wired,
  [name, write]: readonly [string, LossyWrite],
  turn: number,
  what: "request" | "answer",
): Promise<Loss> {
  const taskId = await write.prepare(kit);
  const before = await kit.B.getTask(taskId);
  await lookOnce(kit, store, taskId);
  const held = wire.holdTurn(turn, what);
  const call = anyEnd(write.send(store, taskId));
  await kit.settles(Promise.race([held.arrived, call]));
  const seen = await kit.B.getTask(taskId);
  const landed = seen?.revision !== before?.revision;
  await write.since?.(kit, taskId);
  const early = landed && write.isReadOnly ? await write.read(kit, taskId) : undefined;
  wire.cut();
  wire.heal();
  const end = await kit.settles(call, RECONNECT_MS);
  const did = `${name}, the connection lost before the ${what} of turn ${turn} arrived${landed ? ", when others saw it already" : ""}`;
  return { did, end, early, late: await write.read(kit, taskId), wants: write.wants(landed) };
}

export const ownWin: Rule = defineRule({
  id: "durable/own-win",
  title: "A write whose answer was lost is found or repeated, and applied once",
  level: "promise",
  source: ["P1", "P3"],
  needs: ["via"],
  mutants: ["ambiguous-lost", "ring-of-one", "retry-twice", "create-retry-exists", "push-twice"],
  histories: {},
  async act(kit) {
    const wired = await warm(kit);
    const writes = Object.entries(LOSSY_WRITES);
    if (kit.A.capabilities.messages) writes.push(["push a message", LOSSY_PUSH]);
    const losses: Loss[] = [];
    for (const write of writes) {
      const turns = await turnsOf(kit, wired, write[1], write[0]);
      for (let turn = 1; turn <= turns; turn += 1) {
        for (const what of ["request", "answer"] as const) {
          const loss = await told(() => lose(kit, wired, write, turn, what));
          losses.push(loss);
          // One that hangs is proof enough.
          if (loss.end.kind === "pending") return losses;
        }
      }
    }
    return losses;
  },
  judge(expect, losses) {
    for (const { did, end, early, late, wants } of losses) {
      expect(did, end, succeeded);
      expect(`${did}; what others read then`, late, wants);
      // What was cancelled may be gone by now; the line before judges that.
      if (early !== undefined && late !== undefined)
        expect(`${did}; what others read then, as before`, late, equalTo(early));
    }
  },
});

interface Unanswered {
  readonly taskId: string;
  readonly call: Promise<Settled<Task>>;
}

/** Starts to finish a task, and holds the answer until others see the end. */
async function finishUnanswered(
  kit: Kit,
  { store, wire }: Wired,
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
): Promise<Unanswered> {
  const { taskId } = await kit.task();
  wire.holdAnswers();
  const call = anyEnd(store.finishTask(taskId, COMPLETED, options));
  const seen = await kit.until(
    () => kit.B.getTask(taskId),
    (task) => task?.status === "completed",
  );
  if (seen?.status !== "completed") throw new CouldNotRun("a write whose answer is held does not reach the backend");
  return { taskId, call };
}

/** Finishes a task, and lets the backend be away from the moment on at which others see the end until after the call. */
async function finishAndStayAway(kit: Kit, wired: Wired): Promise<Unanswered & { readonly timeoutMs: number }> {
  for (let timeoutMs = patienceMs(kit); ; timeoutMs *= 2) {
    try {
      const unanswered = await finishUnanswered(kit, wired, { timeoutMs });
      wired.wire.cut();
      return { ...unanswered, timeoutMs };
    } catch (error) {
      // On a slow machine its time was over before it was sent.
      if (timeoutMs > kit.timing.deadlineMs) throw error;
      wired.wire.heal();
    }
  }
}

export const unknown: Rule = defineRule({
  id: "durable/unknown",
  title: "A write that may or may not have been applied is called just that",
  level: "promise",
  source: ["P3"],
  needs: ["via"],
  mutants: ["unknown-as-failed", "unknown-as-gone", "abort-as-failed"],
  histories: {},
  async act(kit) {
    const down = await warm(kit);
    const { taskId, call, timeoutMs } = await finishAndStayAway(kit, down);
    const silent = await kit.settles(call, timeoutMs);
    // It may take the client a moment to see that its connections are broken.
    const neverSent = await kit.until(
      () => kit.settles(anyEnd(down.store.finishTask(taskId, COMPLETED, { timeoutMs })), timeoutMs),
      (end) => !couldNotTell.holds(end),
    );
    const connecting = new AbortController();
    const givenUp = anyEnd(down.store.cancelTask(taskId, { signal: connecting.signal }));
    await kit.isPending(givenUp);
    connecting.abort();
    const abortedUnsent = await kit.settles(givenUp);
    const gone = await warm(kit);
    const deleted = await finishUnanswered(kit, gone, {});
    await kit.B.deleteTask(deleted.taskId);
    gone.wire.cut();
    gone.wire.heal();
    const vanished = await kit.settles(deleted.call, RECONNECT_MS);
    const aborting = new AbortController();
    const slow = await warm(kit);
    const inFlight = await finishUnanswered(kit, slow, { signal: aborting.signal });
    aborting.abort();
    const aborted = await kit.settles(inFlight.call);
    slow.wire.heal();
    const before = await kit.settles(
      anyEnd(slow.store.finishTask(inFlight.taskId, COMPLETED, { signal: AbortSignal.abort() })),
    );
    return { silent, vanished, aborted, neverSent, abortedUnsent, before };
  },
  judge(expect, { silent, vanished, aborted, neverSent, abortedUnsent, before }) {
    const did = "finish a task, which others see, and lose the answer";
    expect(`${did}; the backend stays away until the call's time is over`, silent, endedWith("WRITE_OUTCOME_UNKNOWN"));
    expect(
      `${did}; another deletes the task before the connection comes back`,
      vanished,
      endedWith("WRITE_OUTCOME_UNKNOWN"),
    );
    expect(`${did}, which is still on its way, by the caller's signal`, aborted, endedWith("WRITE_OUTCOME_UNKNOWN"));
    expect("finish while the backend is away all the time", neverSent, endedWith("STORE_UNAVAILABLE"));
    expect("cancel while the backend is away, and fire the signal", abortedUnsent, endedWith("ABORTED"));
    expect("finish with a signal that has fired before", before, endedWith("ABORTED"));
  },
});

interface Lost {
  readonly turn: number;
  readonly landed: boolean;
  readonly end: End;
  readonly after: Task | undefined;
}

/** Loses a finish on its way to the backend, and cancels by another before it can be repeated. */
async function loseAndCancel(kit: Kit, { store, wire }: Wired, turn: number): Promise<Lost> {
  const { taskId } = await kit.task();
  await lookOnce(kit, store, taskId);
  const held = wire.holdTurn(turn, "request");
  const call = anyEnd(store.finishTask(taskId, COMPLETED));
  await kit.settles(Promise.race([held.arrived, call]));
  // What is held may be something else than the finish, which arrives meanwhile.
  const cancelling = await anyEnd(kit.B.cancelTask(taskId));
  const landed = cancelling.kind === "rejected" && hasCode(cancelling.error, ["TASK_TERMINAL"]);
  if (cancelling.kind === "rejected" && !landed) throw cancelling.error;
  wire.cut();
  wire.heal();
  return { turn, landed, end: await kit.settles(call, RECONNECT_MS), after: await kit.B.getTask(taskId) };
}

export const notMine: Rule = defineRule({
  id: "durable/not-mine",
  title: "A write that never arrived is not taken for done",
  level: "promise",
  source: ["P3"],
  needs: ["via"],
  mutants: ["ambiguous-ok"],
  histories: {},
  async act(kit) {
    const wired = await warm(kit);
    const finish = LOSSY_WRITES["finish"];
    const turns = finish === undefined ? 0 : await turnsOf(kit, wired, finish, "finish");
    const ends: Lost[] = [];
    for (let turn = 1; turn <= turns; turn += 1) ends.push(await told(() => loseAndCancel(kit, wired, turn)));
    // A turn after the write: it was applied before the loss.
    return ends.filter(({ landed }) => !landed);
  },
  judge(expect, ends) {
    for (const { turn, end, after } of ends) {
      const did = `finish, lost on the way before turn ${turn}, while another cancels`;
      const refused = which<End>(
        "TASK_TERMINAL carrying the cancelled task; if that is gone, TASK_NOT_FOUND or WRITE_OUTCOME_UNKNOWN",
        (seen) => {
          if (seen.kind !== "fulfilled" || seen.value.kind !== "rejected") return false;
          const { error } = seen.value;
          if (hasCode(error, ["TASK_NOT_FOUND", "WRITE_OUTCOME_UNKNOWN"])) return after === undefined;
          return hasCode(error, ["TASK_TERMINAL"]) && isCancelled(error);
        },
      );
      expect(did, end, refused);
      expect(`${did}, then read`, after, cancelledOrGone);
    }
  },
});

function isCancelled(error: unknown): boolean {
  return typeof error === "object" && error !== null && "task" in error && equalStatus(error.task);
}

function equalStatus(task: unknown): boolean {
  return typeof task === "object" && task !== null && "status" in task && task.status === "cancelled";
}

/** How long a call may look for its backend. */
const CALL_TIMEOUT_MS = 1_000;

/** Every way to look at a task. */
const READS: Readonly<
  Record<string, (store: TaskStore, taskId: string, principal: string, cursor: string) => Promise<unknown>>
> = {
  getTask: (store, taskId) => store.getTask(taskId),
  "getTask of a view": (store, taskId, principal) => store.scoped(principal).getTask(taskId),
  getOutcome: (store, taskId) => store.getOutcome(taskId),
  "listTasks with a cursor": (store, _taskId, principal, cursor) => store.scoped(principal).listTasks({ cursor }),
  waitForUpdate: (store, taskId) => store.waitForUpdate(taskId, { since: 0 }),
};

export const outage: Rule = defineRule({
  id: "durable/outage",
  title: "A backend that is away is said to be away, and not the task",
  level: "promise",
  source: ["P3"],
  needs: ["via"],
  mutants: ["outage-not-found", "outage-hangs"],
  async act(kit) {
    const principal = kit.principal("p");
    const { taskId } = await kit.task({ principal });
    await kit.task({ principal });
    const lists = kit.A.capabilities.listing;
    const cursor = lists ? ((await kit.A.scoped(principal).listTasks({ limit: 1 })).nextCursor ?? "") : "";
    const reads = Object.entries(READS).filter(([name]) => lists || !name.startsWith("list"));
    const ways = { "reset its connections": "cut", "let nothing pass": "freeze" } as const;
    return Promise.all(
      Object.entries(ways).map(async ([did, way]) => {
        const { store, wire } = await warm(kit, { callTimeoutMs: CALL_TIMEOUT_MS });
        wire[way]();
        const calls = reads.map(async ([name, read]) => ({
          name,
          end: await kit.settles(anyEnd(read(store, taskId, principal, cursor)), CALL_TIMEOUT_MS),
        }));
        const ends = await Promise.all(calls);
        wire.heal();
        const back = await kit.until(
          () => anyEnd(store.getTask(taskId)),
          (end) => end.kind === "fulfilled",
        );
        return { did, ends, back };
      }),
    );
  },
  judge(expect, seen) {
    for (const { did, ends, back } of seen) {
      for (const { name, end } of ends) {
        expect(`${did}: ${name}`, end, settled);
        expect(`${did}: ${name}`, end, endedWith("STORE_UNAVAILABLE"));
      }
      const task = which<Settled<Task | undefined>>(
        "the task",
        (end) => end.kind === "fulfilled" && end.value !== undefined,
      );
      expect(`${did}, let everything pass again, read`, back, task);
    }
  },
});
