import { attempt, fulfilledValues } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, refused, unchanged, which } from "../wants.ts";
import { COMPLETED } from "./endings.ts";

/** Makes tasks with ids of the store's own choice, alternating between the handles. */
async function idsOf(kit: Kit, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let made = 0; made < count; made += 50) {
    const batch = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? kit.A : kit.B).createTask());
    ids.push(...(await Promise.all(batch)).map((task) => task.taskId));
  }
  return ids;
}

/** Slow backends get a sample that still shows what the rule looks for. */
function sample(kit: Kit, whole: number): number {
  return kit.timing.inProcess ? whole : Math.min(whole, 1_000);
}

/** Bits that a guesser of single positions faces: the sum of each position's min-entropy. */
function minEntropyBits(ids: readonly string[]): number {
  const length = Math.max(...ids.map((id) => id.length));
  let bits = 0;
  for (let position = 0; position < length; position += 1) {
    const counts = new Map<string, number>();
    for (const id of ids) counts.set(id.charAt(position), (counts.get(id.charAt(position)) ?? 0) + 1);
    bits -= Math.log2(Math.max(...counts.values()) / ids.length);
  }
  return bits;
}

export const unique: Rule = defineRule({
  id: "ids/unique",
  title: "Every task gets its own id, a string",
  level: "must",
  source: ["S-19", "S-20", "S-21"],
  mutants: ["id-counter", "id-number"],
  isolated: true,
  act: async (kit) => ({ ids: await idsOf(kit, sample(kit, 2_000)) }),
  judge(expect, { ids }) {
    const strings = ids.filter((id) => typeof id === "string" && id !== "");
    expect("create tasks through two handles", strings.length, equalTo(ids.length));
    expect("count the different ids among them", new Set(ids).size, equalTo(ids.length));
  },
});

export const unguessable: Rule = defineRule({
  id: "ids/unguessable",
  title: "Ids are strong enough to serve as secrets",
  level: "must",
  source: ["S-71", "X-58"],
  guards: ["https://github.com/modelcontextprotocol/python-sdk/pull/3003"],
  mutants: ["id-short", "id-time"],
  isolated: true,
  act: async (kit) => ({ bits: minEntropyBits(await idsOf(kit, sample(kit, 4_096))) }),
  judge(expect, { bits }) {
    expect(
      "sum the min-entropy of each position of many ids",
      bits,
      which("64 bits or more", (seen) => seen >= 64),
    );
  },
});

export const taken: Rule = defineRule({
  id: "ids/taken",
  title: "Creating a task never overwrites another",
  level: "promise",
  source: ["S-21", "P1"],
  mutants: ["create-upserts", "create-look-insert"],
  histories: {},
  async act(kit) {
    const first = await kit.task({ taskId: kit.taskId("open"), statusMessage: "first" });
    const ended = await kit.task({ taskId: kit.taskId("ended") });
    const last = await kit.A.finishTask(ended.taskId, COMPLETED);
    const again = await attempt(kit.B.createTask({ taskId: first.taskId, statusMessage: "second" }));
    const overEnded = await attempt(kit.B.createTask({ taskId: ended.taskId }));
    const kept = { first: await kit.A.getTask(first.taskId), last: await kit.B.getTask(ended.taskId) };
    let round = 0;
    const bouts = await kit.duel({
      over: async () => kit.taskId(`race ${(round += 1)}`),
      left: (taskId) => kit.A.createTask({ taskId, statusMessage: "left" }),
      right: (taskId) => kit.B.createTask({ taskId, statusMessage: "right" }),
      after: (taskId) => kit.B.getTask(taskId),
    });
    return { first, last, again, overEnded, kept, bouts };
  },
  judge(expect, { first, last, again, overEnded, kept, bouts }) {
    expect("create a second task under the id of a working one", again, refused("ALREADY_EXISTS"));
    expect("create a second task under the id of a completed one", overEnded, refused("ALREADY_EXISTS"));
    expect("read the working one again", kept.first, unchanged(first));
    expect("read the completed one again", kept.last, unchanged(last));
    for (const { left, right, after, first: starter, pause } of bouts) {
      const did = `create one id through both handles at once (${starter} first, ${pause})`;
      const created = fulfilledValues([left, right]);
      expect(
        did,
        [left, right],
        which("one creator", () => created.length === 1),
      );
      expect(did, left.kind === "fulfilled" ? right : left, refused("ALREADY_EXISTS"));
      expect(`${did}, then read it`, after, equalTo(created[0]));
    }
  },
});

/** Between a principal and a key, where a store makes one text of both: nothing, or what neither need be free of. */
const SEPARATORS = ["", " ", ":", "/", "|", "-", ".", ",", "\n"] as const;

export const idempotent: Rule = defineRule({
  id: "ids/idempotent",
  title: "A repeated create with an idempotency key is one task",
  level: "promise",
  source: ["P3", "P5"],
  mutants: ["idem-ignored", "idem-race", "idem-global", "idem-joined"],
  histories: {},
  async act(kit) {
    const mine = kit.principal("p1");
    const idempotencyKey = "order 7";
    const first = await kit.A.scoped(mine).createTask({ idempotencyKey, statusMessage: "first" });
    const again = await attempt(kit.B.scoped(mine).createTask({ idempotencyKey, statusMessage: "second" }));
    const other = await kit.B.scoped(kit.principal("p2")).createTask({ idempotencyKey });
    const unowned = await attempt(kit.A.createTask({ idempotencyKey }));
    const joined = await Promise.all(
      SEPARATORS.map(async (between) => {
        // Each time another pair, of which the same text would be made.
        const [owner, key] = [`${mine}${between}a`, `b${between}c`];
        const longer = { principal: `${owner}${between}b`, idempotencyKey: "c" };
        const one = await kit.A.scoped(owner).createTask({ idempotencyKey: key });
        const another = await attempt(
          kit.B.scoped(longer.principal).createTask({ idempotencyKey: longer.idempotencyKey }),
        );
        return { owner, key, longer, one, another };
      }),
    );
    let round = 0;
    const bouts = await kit.duel({
      over: async () => `race ${(round += 1)}`,
      left: (key) => kit.A.scoped(mine).createTask({ idempotencyKey: key }),
      right: (key) => kit.B.scoped(mine).createTask({ idempotencyKey: key }),
      after: async () => undefined,
    });
    return { first, again, other, unowned, joined, bouts };
  },
  judge(expect, { first, again, other, unowned, joined, bouts }) {
    expect(
      "create again with the same key",
      again,
      fulfilled(which("the first task", (seen) => seen.taskId === first.taskId && seen.statusMessage === "first")),
    );
    expect(
      "create with another principal's key",
      other.taskId,
      which("another task", (seen) => seen !== first.taskId),
    );
    expect("create an unowned task with a key", unowned, refused("INVALID_ARGUMENT"));
    for (const { owner, key, longer, one, another } of joined) {
      const first = `create a task of ${JSON.stringify(owner)} with the key ${JSON.stringify(key)}`;
      const second = `one of ${JSON.stringify(longer.principal)} with the key ${JSON.stringify(longer.idempotencyKey)}`;
      expect(
        `${first}, then ${second}`,
        another,
        fulfilled(which("another task", (seen) => seen.taskId !== one.taskId && seen.principal === longer.principal)),
      );
    }
    for (const { left, right, first: starter, pause } of bouts) {
      const created = fulfilledValues([left, right]);
      const one = created.length === 2 && created[0]?.taskId === created[1]?.taskId;
      expect(
        `create twice at once with one key (${starter} first, ${pause})`,
        [left, right],
        which("the same task twice", () => one),
      );
    }
  },
});

export const reborn: Rule = defineRule({
  id: "ids/reborn",
  title: "What was known of a deleted task says nothing of a new one under its id",
  level: "promise",
  source: ["P1", "P4", "P8"],
  mutants: ["revision-restarts", "expired-blocks-create"],
  async act(kit) {
    const { taskId } = await kit.task({ taskId: kit.taskId("reborn") });
    const lease = await kit.A.acquireLease(taskId, { holder: "first", leaseMs: 3_600_000 });
    if (lease === undefined) throw new Error("a fresh task was not leased");
    await kit.B.deleteTask(taskId);
    const second = await kit.B.createTask({ taskId });
    const woken = await kit.settles(kit.A.waitForUpdate(taskId, { since: lease.task.revision }));
    const oldToken = await attempt(kit.A.finishTask(taskId, COMPLETED, { lease: lease.token }));
    const after = await kit.B.getTask(taskId);
    const short = await kit.task({ taskId: kit.taskId("expired"), ttlMs: kit.timing.unitMs });
    await kit.elapse(kit.timing.unitMs);
    const free = await attempt(kit.B.createTask({ taskId: short.taskId }));
    return { before: lease.task, second, woken, oldToken, after, free };
  },
  judge(expect, { before, second, woken, oldToken, after, free }) {
    const higher = which<number>(`more than ${before.revision}`, (seen) => seen > before.revision);
    expect("delete a task, create its id again, look at the revision", second.revision, higher);
    expect("wait for the new task since the old one's revision", woken, fulfilled(equalTo(second)));
    expect("finish the new task with the old one's lease", oldToken, refused("LEASE_LOST"));
    expect("read the new task", after, unchanged(second));
    expect("create the id of a task whose ttl is over", free, fulfilled());
  },
});
