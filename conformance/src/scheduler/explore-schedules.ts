import { SeededRandom } from "../seeded-random.ts";
import { handleOf } from "./scheduler.ts";
import type { Chooser } from "./scheduler.ts";

/**
 * Sets everything up anew, runs the actors with this chooser (`scheduler.run(actors, choose)`) and judges: throws if
 * something is wrong. Must do the same each time but for what the chooser decides.
 */
export type Play = (choose: Chooser) => Promise<void>;

/** Thrown when a schedule makes a play fail; the cause is what it threw. */
export class ScheduleFailure extends Error {
  override readonly name: string = "ScheduleFailure";
  /** Replays the failure: see {@link replaySchedule}. */
  readonly schedule: string;

  constructor(schedule: string, cause: unknown) {
    super(`Failed under the schedule\n  ${schedule}\n${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.schedule = schedule;
  }
}

/** Notes what a chooser decides, so that a failure can be replayed. */
async function playNoting(play: Play, choose: Chooser): Promise<string> {
  const schedule: string[] = [];
  try {
    await play((tokens) => {
      const token = choose(tokens);
      schedule.push(token);
      return token;
    });
  } catch (cause) {
    throw new ScheduleFailure(schedule.join(" "), cause);
  }
  return schedule.join(" ");
}

/** Plays exactly one schedule; when it is used up, whatever waits longest comes next. @throws ScheduleFailure */
export async function replaySchedule(schedule: string, play: Play): Promise<void> {
  const rest = schedule.split(" ").filter((token) => token !== "");
  await playNoting(play, (tokens) => {
    const token = rest.shift() ?? tokens[0] ?? "";
    if (!tokens.includes(token))
      throw new Error(`The run left the schedule: "${token}" is not among ${tokens.join(" ")}`);
    return token;
  });
}

export interface InterleavingOptions {
  /** More schedules than this are an error: then it would not be all of them. @default 500 */
  readonly limit?: number | undefined;
  /** Plays only this schedule, from a failure's message. */
  readonly only?: string | undefined;
}

/**
 * Plays every order of the events, and every allowed fault at every point, once.
 * @returns the schedules, in the order they were played
 * @throws ScheduleFailure for the first schedule that fails
 */
export async function forEachInterleaving(play: Play, options: InterleavingOptions = {}): Promise<readonly string[]> {
  const { limit = 500, only } = options;
  if (only !== undefined) {
    await replaySchedule(only, play);
    return [only];
  }
  const schedules: string[] = [];
  /** The decisions of the run to come, and of each what is still untried. */
  const path: { readonly tokens: readonly string[]; taken: number }[] = [];
  for (;;) {
    let depth = 0;
    schedules.push(
      await playNoting(play, (tokens) => {
        const decision = path[depth] ?? { tokens, taken: 0 };
        path[depth] = decision;
        depth += 1;
        if (decision.tokens.join(" ") !== tokens.join(" ")) {
          throw new Error(`The play is not repeatable: now ${tokens.join(" ")}, before ${decision.tokens.join(" ")}`);
        }
        return tokens[decision.taken] ?? "";
      }),
    );
    path.length = depth;
    while (path.length > 0) {
      const last = path.at(-1);
      if (last !== undefined && last.taken + 1 < last.tokens.length) {
        last.taken += 1;
        break;
      }
      path.pop();
    }
    if (path.length === 0) return schedules;
    if (schedules.length >= limit)
      throw new Error(`More than ${limit} schedules; the last was ${schedules.at(-1) ?? ""}`);
  }
}

/** What has a priority of its own: a handle's hints, its oldest call, its second oldest, and so on. */
function trackOf(token: string): string {
  const [, ordinal = ""] = token.split("~");
  return `${handleOf(token)}${token.includes(".hint") ? ".hint" : ""}${ordinal}`;
}

export interface PriorityOptions {
  readonly seed: number;
  /** @default 200 */
  readonly schedules?: number | undefined;
  /** How often in a run the actor that is ahead falls behind all others. @default 2 */
  readonly changePoints?: number | undefined;
  /** In which share of the decisions a fault is taken where one is allowed. @default 0.1 */
  readonly faultShare?: number | undefined;
  /** Plays only this schedule, from a failure's message. */
  readonly only?: string | undefined;
}

/**
 * Plays random schedules that find bugs of few ordering constraints soon: each handle has a random priority, the
 * highest runs, and at a few random points it falls behind. Several calls of one handle have several priorities.
 * @see Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010
 * @returns the schedules, in the order they were played
 * @throws ScheduleFailure for the first schedule that fails
 */
export async function forRandomPriorities(play: Play, options: PriorityOptions): Promise<readonly string[]> {
  const { seed, schedules: count = 200, changePoints = 2, faultShare = 0.1, only } = options;
  if (only !== undefined) {
    await replaySchedule(only, play);
    return [only];
  }
  const schedules: string[] = [];
  /** How many decisions a run has; known after the first one. */
  let longest = 16;
  for (let round = 0; round < count; round += 1) {
    const random = new SeededRandom(seed * 1_000_003 + round);
    const priorities = new Map<string, number>();
    const changesAt = new Set(Array.from({ length: changePoints }, () => 1 + random.below(longest)));
    let step = 0;
    const schedule = await playNoting(play, (tokens) => {
      step += 1;
      const faults = tokens.filter((token) => token.includes("!"));
      if (faults.length > 0 && random.chance(faultShare)) return random.pick(faults);
      const plain = tokens.filter((token) => !token.includes("!"));
      const priority = (token: string): number => {
        const known = priorities.get(trackOf(token)) ?? 1 + random.next();
        priorities.set(trackOf(token), known);
        return known;
      };
      const ahead = plain.toSorted((a, b) => priority(b) - priority(a))[0] ?? random.pick(tokens);
      // Below every first priority, and below those that fell behind before.
      if (changesAt.has(step)) priorities.set(trackOf(ahead), -step);
      return ahead;
    });
    longest = round === 0 ? step : Math.max(longest, step);
    schedules.push(schedule);
  }
  return schedules;
}
