import type { TaskStoreCapabilities } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
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
  source: ["S-72"],
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

export const facilities: Rule = defineRule({
  id: "caps/facilities",
  title: "What the target lends the kit is real",
  level: "must",
  source: ["X-11"],
  needs: ["multiProcess"],
  mutants: ["peer-is-store", "advance-noop"],
  isolated: true,
  async act(kit) {
    const same = kit.A === kit.B;
    const task = await kit.task();
    const third = await kit.open();
    await third.close();
    const seen = await attempt(kit.B.getTask(task.taskId));
    return { task, same, seen, moved: await movedBy(kit, HOUR_MS) };
  },
  judge(expect, { task, same, seen, moved }) {
    const atLeast = which<number>("an hour or more", (ms) => ms >= HOUR_MS);
    if (moved !== undefined) expect("let the target move the backend's clock by an hour", moved, atLeast);
    expect("compare the two handles", same, equalTo(false));
    expect("close a third handle; A's task seen by B", seen, fulfilled(unchanged(task)));
  },
});
