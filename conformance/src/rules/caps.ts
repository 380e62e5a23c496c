import type { Task, TaskStoreCapabilities } from "@mcp-task-store/core";
import { anyEnd, attempt, type Settled } from "../attempt.ts";
import { CAPABILITY_PROBES } from "../capability-probes.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, refused, unchanged, which } from "../wants.ts";

const FLAGS = ["durable", "multiProcess", "pushHints", "messages", "listing"] as const;
const NUMBERS = ["maxPayloadBytes", "minTtlMs", "minLeaseMs", "safetyPollMs", "maintainEveryMs", "graceMs"] as const;

function badDeclarations(capabilities: TaskStoreCapabilities): readonly string[] {
  return [
    ...FLAGS.filter((flag) => typeof capabilities[flag] !== "boolean"),
    ...NUMBERS.filter((name) => !Number.isInteger(capabilities[name]) || capabilities[name] < 0),
  ];
}

export const claims: Rule = defineRule({
  id: "caps/claims",
  title: "Every capability is declared, and each declaration is true",
  level: "must",
  source: ["T1"],
  mutants: ["caps-overstated", "caps-understated", "caps-missing"],
  async act(kit) {
    const { capabilities } = kit.A;
    const { taskId } = await kit.task();
    const probes = await Promise.all(
      (["messages", "listing"] as const).map(async (name) => {
        return {
          name,
          declared: capabilities[name],
          end: await attempt(() => CAPABILITY_PROBES[name](kit.A, kit.principal("p1"))),
        };
      }),
    );
    const { minTtlMs, minLeaseMs, maxPayloadBytes } = capabilities;
    const room = Math.min(maxPayloadBytes, 1_000_000) - '{"t":""}'.length;
    const used = {
      "a ttl of minTtlMs": await attempt(kit.A.createTask({ ttlMs: minTtlMs })),
      "a lease of minLeaseMs": await attempt(
        kit.A.acquireLease((await kit.task()).taskId, { holder: "short", leaseMs: minLeaseMs }),
      ),
      "a payload of maxPayloadBytes, or a million": await attempt(
        kit.A.updateTask(taskId, { metadata: { t: "x".repeat(room) } }),
      ),
    };
    return { bad: badDeclarations(capabilities), same: { a: kit.A.capabilities, b: kit.B.capabilities }, probes, used };
  },
  judge(expect, { bad, same, probes, used }) {
    expect("look for capabilities that are missing or no boolean or count", bad, equalTo([]));
    expect("compare the capabilities of two handles", same.b, equalTo(same.a));
    for (const { name, declared, end } of probes) {
      if (declared) expect(`use ${name}, declared true`, end, fulfilled());
      else expect(`use ${name}, declared false`, end, refused("NOT_SUPPORTED"));
    }
    for (const [what, end] of Object.entries(used)) expect(`use ${what}`, end, fulfilled());
  },
});

const HOUR_MS = 3_600_000;

/** How far the backend's clock has moved, ms, after the target was told to move it; undefined: it never is. */
async function movedBy(kit: Kit, ms: number): Promise<number | undefined> {
  if (kit.advance === undefined) return undefined;
  const before = Date.parse((await kit.task()).createdAt);
  await kit.advance(ms);
  // Stored times may be coarse.
  return Date.parse((await kit.task()).createdAt) - before + 1_000;
}

/** What a write says while the kit's proxy breaks its connections, and what a read says afterwards. */
async function cutAndHeal(
  kit: Kit,
  taskId: string,
): Promise<{ readonly cut: Settled<Task>; readonly healed: Settled<Task | undefined> }> {
  const { store, wire } = await kit.wired();
  await anyEnd(store.getTask(taskId));
  wire.cut();
  const cut = await anyEnd(store.createTask({}, { timeoutMs: 500 }));
  wire.heal();
  const healed = await kit.until(
    () => anyEnd(store.getTask(taskId)),
    (end) => end.kind === "fulfilled",
  );
  return { cut, healed };
}

function failed(end: Settled<unknown>): boolean {
  return end.kind === "rejected";
}

export const facilities: Rule = defineRule({
  id: "caps/facilities",
  title: "What the target lends the kit is real",
  level: "must",
  source: ["T2"],
  mutants: ["peer-is-store", "advance-noop", "cut-noop"],
  isolated: true,
  async act(kit) {
    const shared = kit.opensTwice && kit.A === kit.B;
    const task = await kit.task();
    const third = await kit.open();
    await third.close();
    const seen = await attempt(kit.B.getTask(task.taskId));
    const wire = kit.takesVia ? await cutAndHeal(kit, task.taskId) : undefined;
    return { task, shared, seen, wire, moved: await movedBy(kit, HOUR_MS) };
  },
  judge(expect, { task, shared, seen, wire, moved }) {
    const atLeast = which<number>("an hour or more", (ms) => ms >= HOUR_MS);
    if (moved !== undefined) expect("let the target move the backend's clock by an hour", moved, atLeast);
    expect("open a store twice of which that gives two handles: whether that is one", shared, equalTo(false));
    expect("close a third handle; A's task seen by B", seen, fulfilled(unchanged(task)));
    if (wire === undefined) return;
    expect("cut the connections of a handle that was opened with via: a create", wire.cut, which("an error", failed));
    expect(
      "let them pass again: a read",
      wire.healed,
      which("the task", (end) => end.kind === "fulfilled" && end.value !== undefined),
    );
  },
});

export const restart: Rule = defineRule({
  id: "caps/restart",
  title: "A restart of the target ends what was connected, and what was stored is there",
  level: "must",
  source: ["T2"],
  needs: ["restart"],
  mutants: ["restart-noop"],
  async act(kit) {
    const task = await kit.task();
    // Stores may connect again by themselves: only a wire shows that they had to.
    const wired = kit.takesVia ? await kit.wired() : undefined;
    await wired?.store.getTask(task.taskId);
    const open = wired?.wire.connections ?? 0;
    await kit.restart();
    const ended =
      wired &&
      (await kit.until(
        async () => wired.wire.ended,
        (count) => count >= open,
      ));
    return { open, ended, task, seen: await attempt(kit.A.getTask(task.taskId)) };
  },
  judge(expect, { open, ended, task, seen }) {
    const all = which<number>(`${open} or more`, (count) => count >= open);
    if (ended !== undefined) expect("restart the target: how many connections of a handle ended", ended, all);
    expect("read by a new handle what was there before the restart", seen, fulfilled(unchanged(task)));
  },
});
