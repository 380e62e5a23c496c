import type { QueuedMessage, Task, TaskStore } from "@mcp-task-store/core";
import { attempt, fulfilledValues, rejectedErrors } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import {
  equalTo,
  fulfilled,
  hasCode,
  notFound,
  refused,
  refusedAsEnded,
  settled,
  unchangedOrGone,
  which,
} from "../wants.ts";
import { COMPLETED } from "./endings.ts";
import { messageOperations, note, shiftAll, textOf } from "./message-operations.ts";

const texts = (messages: readonly QueuedMessage[]): readonly string[] => messages.map((one) => String(textOf(one)));
const numbered = (count: number, name = "m"): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${name}${index}`);

export const fifo: Rule = defineRule({
  id: "messages/fifo",
  title: "Messages come out in the order in which they went in, whatever their timestamps say",
  level: "promise",
  source: ["P2"],
  needs: ["messages"],
  mutants: ["queue-by-time", "queue-per-handle"],
  async act(kit) {
    const { taskId } = await kit.task();
    // One instant first, then back in time: a client's clock is no order.
    const pushed = numbered(12).map((text, index) => note(text, 1_000 - Math.max(0, index - 5)));
    for (const [index, message] of pushed.entries()) {
      const store = index % 2 === 0 ? kit.A : kit.B;
      await store.messages.push(taskId, message, { messageId: `id ${index}` });
    }
    return { pushed, shifted: await shiftAll([kit.B, kit.A], taskId, "r") };
  },
  judge(expect, { pushed, shifted }) {
    expect("push twelve messages, in turns by A and B, and shift them all", shifted, equalTo(pushed));
  },
});

export const once: Rule = defineRule({
  id: "messages/once",
  title: "Each message goes to one receipt, which can have it again",
  level: "promise",
  source: ["P3"],
  needs: ["messages"],
  mutants: ["shift-peek-delete", "push-not-idempotent", "receipt-ignored"],
  histories: {},
  async act(kit) {
    const { taskId } = await kit.task();
    const pushed = numbered(100);
    // Ten at a time: a process sends its pushes to one task one after the other, and each has its own time to end.
    for (let at = 0; at < pushed.length; at += 10) {
      const some = pushed.slice(at, at + 10);
      await Promise.all(some.map((text) => kit.A.messages.push(taskId, note(text), { messageId: text })));
    }
    const shifters = await Promise.all(
      numbered(8, "shifter ").map((name, index) => shiftAll([index % 2 === 0 ? kit.A : kit.B], taskId, name)),
    );
    const again = await kit.B.messages.shift(taskId, { receipt: "shifter 0 0" });
    const first = shifters[0]?.[0];

    const twice = (await kit.task()).taskId;
    const push = (store: TaskStore, text: string): Promise<void> =>
      store.messages.push(twice, note(text), { messageId: text });
    const racing = await kit.scramble([() => push(kit.A, "m"), () => push(kit.B, "m")]);
    const repeated = await attempt(push(kit.B, "m"));
    const given = await kit.A.messages.shift(twice, { receipt: "r1" });
    const late = await attempt(push(kit.A, "m"));
    await push(kit.A, "n");
    const same = await kit.B.messages.shift(twice, { receipt: "r1" });
    const next = await kit.B.messages.shift(twice, { receipt: "r2" });
    const before = await kit.A.messages.shift(twice, { receipt: "r1" });
    const rest = await kit.A.messages.drain(twice);
    return { pushed, shifters, first, again, racing, repeated, late, shifts: { given, same, next, before }, rest };
  },
  judge(expect, { pushed, shifters, first, again, racing, repeated, late, shifts, rest }) {
    const taken = shifters.flatMap(texts).toSorted();
    expect("push 100 messages, shift them by eight receivers at once", taken, equalTo(pushed.toSorted()));
    if (first !== undefined) expect("shift once more with the receipt of one of them", again, equalTo(first));
    for (const end of [...racing, repeated, late]) {
      expect("push one message four times, the last time when it was handed out", end, fulfilled());
    }
    expect("shift with r1", textOf(shifts.given), equalTo("m"));
    expect("shift with r1 again", textOf(shifts.same), equalTo("m"));
    expect("shift with r2", textOf(shifts.next), equalTo("n"));
    expect("shift with r1 after that", textOf(shifts.before), equalTo("m"));
    expect("drain what is left", texts(rest), equalTo([]));
  },
});

export const bounded: Rule = defineRule({
  id: "messages/bounded",
  title: "A full queue refuses, however many push at once, and loses nothing",
  level: "promise",
  source: ["P10"],
  needs: ["messages"],
  mutants: ["maxsize-look-push", "maxsize-drops-oldest"],
  histories: {},
  async act(kit) {
    const { taskId } = await kit.task();
    const push = (text: string, index: number): Promise<string> => {
      const store = index % 2 === 0 ? kit.A : kit.B;
      return store.messages.push(taskId, note(text), { messageId: text, maxSize: 5 }).then(() => text);
    };
    const ends = await kit.scramble(numbered(20).map((text, index) => () => push(text, index)));
    const waiting = await kit.B.messages.drain(taskId);
    const after = await attempt(push("after", 0));
    const last = (store: TaskStore, of: string, text: string): Promise<void> =>
      store.messages.push(of, note(text), { messageId: text, maxSize: 1 });
    const bouts = await kit.duel({
      over: async () => (await kit.task()).taskId,
      left: (of) => last(kit.A, of, "left"),
      right: (of) => last(kit.B, of, "right"),
      after: (of) => kit.B.messages.drain(of),
    });
    return { ends, waiting, after, bouts };
  },
  judge(expect, { ends, waiting, after, bouts }) {
    const did = "push twenty messages at once where five may wait";
    expect(`${did}: how many were taken`, fulfilledValues(ends).length, equalTo(5));
    for (const error of rejectedErrors(ends)) {
      expect(`${did}: a refusal`, { kind: "rejected" as const, error }, refused("QUEUE_FULL"));
    }
    expect(`${did}: what waits`, texts(waiting).toSorted(), equalTo(fulfilledValues(ends).toSorted()));
    expect("drain them and push one more", after, fulfilled());
    for (const { left, right, after: stored, first, pause } of bouts) {
      const race = `push in A and B where one may wait (${first} first, ${pause})`;
      const [winner, loser] = left.kind === "fulfilled" ? ["left", right] : ["right", left];
      expect(`${race}: the loser`, loser, refused("QUEUE_FULL"));
      expect(`${race}: what waits`, texts(stored), equalTo([winner]));
    }
  },
});

export const drain: Rule = defineRule({
  id: "messages/drain",
  title: "A drain takes all that wait in one step: each message is in it or comes after it",
  level: "promise",
  source: ["P2"],
  needs: ["messages"],
  mutants: ["drain-read-clear"],
  histories: {},
  act: (kit) =>
    kit.duel({
      over: async () => {
        const { taskId } = await kit.task();
        await kit.A.messages.push(taskId, note("m0"), { messageId: "m0" });
        return taskId;
      },
      left: (taskId) => kit.A.messages.drain(taskId, { receipt: "first" }),
      right: async (taskId) => {
        for (const text of ["m1", "m2"]) await kit.B.messages.push(taskId, note(text), { messageId: text });
      },
      after: async (taskId) => ({
        again: await kit.B.messages.drain(taskId, { receipt: "first" }),
        rest: await kit.B.messages.drain(taskId),
      }),
    }),
  judge(expect, bouts) {
    for (const { left, right, after, first, pause } of bouts) {
      const did = `drain in A while B pushes m1 and m2 (${first === "left" ? "drain" : "push"} first, ${pause})`;
      expect(`${did}: the pushes`, right, fulfilled());
      const drained = left.kind === "fulfilled" ? left.value : [];
      expect(`${did}: the drain`, left, fulfilled(which("m0 at least", (messages) => messages.length > 0)));
      expect(`${did}: it and what is left`, texts([...drained, ...after.rest]), equalTo(["m0", "m1", "m2"]));
      expect(`${did}: drain again with its receipt`, after.again, equalTo(drained));
    }
  },
});

export const own: Rule = defineRule({
  id: "messages/own",
  title: "Messages are one task's own, and need their task",
  level: "promise",
  source: ["P5", "P7"],
  needs: ["messages"],
  mutants: ["drain-pattern", "push-creates"],
  async act(kit) {
    const base = kit.taskId("x");
    const others = [`${base}:y`, `${base}*`, `${base}%`, `${base}_`, base.slice(0, -1)];
    for (const taskId of [base, ...others]) {
      await kit.task({ taskId });
      await kit.A.messages.push(taskId, note(taskId), { messageId: "m" });
    }
    const drained = await kit.B.messages.drain(base);
    const left: (readonly [string, readonly unknown[]])[] = [];
    for (const taskId of others) left.push([taskId, texts(await kit.B.messages.drain(taskId))]);

    const unknown = kit.taskId("unknown");
    const calls: { readonly did: string; readonly end: Awaited<ReturnType<typeof attempt>> }[] = [];
    for (const [operation, call] of Object.entries(messageOperations(kit.A))) {
      calls.push({ did: `${operation} of a task that never was`, end: await attempt(() => call(kit.A, unknown)) });
    }
    await kit.task({ taskId: unknown });
    return { base, drained, left, calls, born: await kit.B.messages.drain(unknown) };
  },
  judge(expect, { base, drained, left, calls, born }) {
    expect(`drain ${base}`, texts(drained), equalTo([base]));
    for (const [taskId, messages] of left) expect(`drain ${taskId} then`, messages, equalTo([taskId]));
    for (const { did, end } of calls) expect(did, end, notFound);
    expect("create it then, and drain it", texts(born), equalTo([]));
  },
});

export const ended: Rule = defineRule({
  id: "messages/ended",
  title: "What was pushed before a task's end is still handed out, and nothing is pushed after it",
  level: "promise",
  source: ["P1", "P3"],
  needs: ["messages"],
  mutants: ["end-clears-queue", "push-after-end", "push-repeat-after-end"],
  act: (kit) =>
    Promise.all(
      (["completed", "cancelled"] as const).map(async (status) => {
        const { taskId } = await kit.task();
        for (const text of ["m0", "m1"]) await kit.A.messages.push(taskId, note(text), { messageId: text });
        const end = status === "completed" ? await kit.B.finishTask(taskId, COMPLETED) : await kit.B.cancelTask(taskId);
        const late = await attempt(kit.A.messages.push(taskId, note("late"), { messageId: "late" }));
        const repeated = await attempt(kit.A.messages.push(taskId, note("m1"), { messageId: "m1" }));
        const shifted = await attempt(kit.B.messages.shift(taskId, { receipt: "r" }));
        const drained = await attempt(kit.A.messages.drain(taskId));
        return { status, end, late, repeated, shifted, drained, after: await kit.B.getTask(taskId) };
      }),
    ),
  judge(expect, seen) {
    for (const { status, end, late, repeated, shifted, drained, after } of seen) {
      const did = `push m0 and m1, end the task as ${status}`;
      // A cancelled task may vanish at once (S-59), and its messages with it.
      const vanished = status === "cancelled" && late.kind === "rejected" && hasCode(late.error, ["TASK_NOT_FOUND"]);
      expect(`${did}, read`, after, unchangedOrGone(end));
      if (vanished || after === undefined) continue;
      expect(`${did}, push another`, late, refusedAsEnded(end));
      expect(`${did}, push m1 again`, repeated, fulfilled());
      expect(`${did}, shift`, shifted, fulfilled(which("m0", (message) => textOf(message) === "m0")));
      const rest = drained.kind === "fulfilled" ? texts(drained.value) : drained;
      expect(`${did}, then drain`, rest, equalTo(["m1"]));
    }
  },
});

export const wakes: Rule = defineRule({
  id: "messages/wakes",
  title: "A message wakes whoever waits for its task, in any process",
  level: "promise",
  source: ["S-39", "P4"],
  needs: ["messages"],
  mutants: ["push-silent"],
  async act(kit) {
    const task = await kit.task();
    const waiting = kit.A.waitForUpdate(task.taskId, { since: task.revision, signal: kit.signal });
    waiting.catch(() => undefined);
    await kit.B.messages.push(task.taskId, note("m"), { messageId: "m" });
    const woken = await kit.settles(waiting);
    const since = { since: task.revision, signal: kit.signal };
    const later = await kit.settles(kit.B.waitForUpdate(task.taskId, since));
    return { task, woken, later };
  },
  judge(expect, { task, woken, later }) {
    const moved = which<Task | undefined>("the task with another revision", (seen) => {
      return seen !== undefined && seen.taskId === task.taskId && seen.revision > task.revision;
    });
    for (const [did, end] of [
      ["wait in A, push in B", woken],
      ["wait after the push, for what is newer than the task before it", later],
    ] as const) {
      expect(did, end, settled);
      expect(did, end, fulfilled(moved));
    }
  },
});
