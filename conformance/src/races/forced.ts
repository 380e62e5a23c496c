import { type Attempt, attempt } from "../attempt.ts";
import type { Random } from "../random.ts";
import { type Chooser, handleOf, type Scheduler } from "../scheduler/scheduler.ts";
import type { Bout, Duel, Ring } from "./duel.ts";

/** All orders of two calls with four events each are 70; of calls that repeat themselves there are many more. */
const MAX_ORDERS = 100;
/** Where each order takes many round trips. */
const MAX_REMOTE_ORDERS = 24;
/** After so long only those orders are played in which a call is held while the other runs whole. */
const BUDGET_MS = 5_000;
const A_FIRST = "A".repeat(1_000);

/**
 * Runs the duel once for every order of the steps of its two calls, or, where these are too many: with each call held at
 * each of its steps while the other runs whole, and in random orders.
 */
export async function forcedBouts<T, L, R, F>(
  duel: Duel<T, L, R, F>,
  scheduler: Scheduler,
  { timing, random, settles }: Ring,
): Promise<readonly Bout<T, L, R, F>[]> {
  const bouts: Bout<T, L, R, F>[] = [];
  const play = async (order: string, hints: HintPolicy): Promise<readonly string[]> => {
    const subject = await duel.over();
    const calls: { left?: Promise<L>; right?: Promise<R> } = {};
    const { schedule } = await scheduler.run(
      {
        left: () => (calls.left = duel.left(subject)),
        right: () => (calls.right = duel.right(subject)),
      },
      following(order, hints),
    );
    const left = await settles(calls.left ?? duel.left(subject));
    const right = await settles(calls.right ?? duel.right(subject));
    const first = schedule.startsWith("B") ? "right" : "left";
    bouts.push({ first, pause: `schedule ${schedule}`, subject, left, right, after: await duel.after(subject) });
    return schedule.split(" ");
  };
  // Twice: the first call of a handle may do what later ones need not.
  await play(A_FIRST, "late");
  const solo = await play(A_FIRST, "late");
  const steps = (handle: string): number => solo.filter((token) => handleOf(token) === handle && !isHint(token)).length;
  const policies: readonly HintPolicy[] = solo.some(isHint) ? ["prompt", "late"] : ["prompt"];
  const most = timing.inProcess ? MAX_ORDERS : MAX_REMOTE_ORDERS;
  const started = performance.now();
  for (const order of orders(steps("A"), steps("B"), most / policies.length, random)) {
    if (switchesOf(order) > 2 && performance.now() - started > BUDGET_MS) break;
    for (const hints of policies) {
      if (bouts.some(({ left, right }) => left.kind === "pending" || right.kind === "pending")) return bouts;
      await play(order, hints);
    }
  }
  return bouts;
}

/** The calls at random steps of the scheduler's. Their answers are in the given order. */
export async function forcedScramble<T>(
  calls: readonly (() => Promise<T>)[],
  scheduler: Scheduler,
  random: Random,
): Promise<readonly Attempt<T>[]> {
  const answers: Promise<Attempt<T>>[] = [];
  const actors = calls.map((call, index) => {
    const act = (): Promise<Attempt<T>> => (answers[index] = attempt(call));
    return [String(index), act] as const;
  });
  await scheduler.run(Object.fromEntries(actors), (tokens) => tokens[random.integer(tokens.length)] ?? "");
  return Promise.all(answers);
}

/** Whether hints are delivered before everything else, or when nothing else is left. */
type HintPolicy = "prompt" | "late";

function isHint(token: string): boolean {
  return token.includes(".hint");
}

/** Lets the calls of the handles step in this order, as far as they can. */
function following(order: string, hints: HintPolicy): Chooser {
  const rest = order.split("");
  return (all) => {
    const hint = all.find(isHint);
    const tokens = all.filter((token) => !isHint(token));
    if (hint !== undefined && (hints === "prompt" || tokens.length === 0)) return hint;
    for (let handle = rest.shift(); handle !== undefined; handle = rest.shift()) {
      const token = tokens.find((one) => handleOf(one) === handle);
      if (token !== undefined) return token;
    }
    return tokens[0] ?? "";
  };
}

/** How often the turn passes from one to the other: twice where one is held while the other runs whole. */
function switchesOf(order: string): number {
  return order.split("").filter((handle, at) => at > 0 && handle !== order[at - 1]).length;
}

/**
 * The orders of so many steps of A and of B, as "AABB", without the one in which A runs whole first. If there are more
 * than `most`: each held at each step while the other runs whole, and random ones. Those that are held come first.
 */
export function orders(a: number, b: number, most: number, random: Random): readonly string[] {
  const all = merged(a, b, most + 1);
  if (all.length <= most) return all.slice(1).sort((one, other) => switchesOf(one) - switchesOf(other));
  const held = [
    ...Array.from({ length: a }, (_, at) => "A".repeat(at) + "B".repeat(b) + "A".repeat(a - at)),
    ...Array.from({ length: b - 1 }, (_, at) => "B".repeat(at + 1) + "A".repeat(a) + "B".repeat(b - at - 1)),
  ];
  const mixed = Array.from({ length: Math.max(8, most - held.length) }, () =>
    ("A".repeat(a) + "B".repeat(b))
      .split("")
      .map((handle) => ({ handle, key: random.next() }))
      .sort((one, other) => one.key - other.key)
      .map(({ handle }) => handle)
      .join(""),
  );
  return [...held, ...mixed];
}

/** At most `limit` of them; the first is the one in which A comes first. */
function merged(a: number, b: number, limit: number): readonly string[] {
  if (a === 0 || b === 0) return ["A".repeat(a) + "B".repeat(b)];
  const found = merged(a - 1, b, limit).map((rest) => `A${rest}`);
  if (found.length >= limit) return found;
  return [...found, ...merged(a, b - 1, limit - found.length).map((rest) => `B${rest}`)];
}
