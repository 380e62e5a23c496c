import type { DriverCallOptions } from "@mcp-task-store/core";
import { ENTRY_WINDOW_US } from "./cluster-shards.ts";
import type { ClusterShards } from "./cluster-shards.ts";
import { positionIn, taskTagIn } from "./keys.ts";
import { asArray, asNumber, asText } from "./reply.ts";
import { SCRIPTS } from "./scripts.ts";

/** In one round of maintenance so many listings are looked through, and so many entries of each, whatever is stored. */
const AT_ONCE = { listings: 4, entries: 250 } as const;

/** A listing that is to be looked through. */
export interface ListingToSweep {
  /** In the stored form. */
  readonly scope: string;
  /** Since when, epoch ms. */
  readonly since: number;
}

/**
 * Removes entries that lead to no task from the listings that have waited longest. What fails is left for a later round,
 * and what is left there shows nobody anything.
 */
export async function sweepListings(
  shards: ClusterShards,
  waiting: readonly ListingToSweep[],
  options: DriverCallOptions,
): Promise<void> {
  const chosen = waiting.toSorted((a, b) => a.since - b.since).slice(0, AT_ONCE.listings);
  await Promise.allSettled(chosen.map(async ({ scope }) => await sweep(shards, scope, options)));
}

async function sweep(shards: ClusterShards, scope: string, options: DriverCallOptions): Promise<void> {
  const { connection, keys } = shards;
  const reply = await connection.run(SCRIPTS.nextListed, keys.listed(scope), [scope, String(AT_ONCE.entries)], {
    doing: "reading",
    signal: options.signal,
  });
  const ofTags = new Map<string, string[]>();
  for (const entry of asArray(reply).map(asText)) {
    const tag = taskTagIn(entry);
    ofTags.set(tag, [...(ofTags.get(tag) ?? []), entry]);
  }
  const dead = await Promise.all(
    [...ofTags.values()].map(async (entries) => await deadAmong(shards, entries, options)),
  );
  await shards.unlistEntries(scope, dead.flat(), options.signal);
}

/** @param entries of tasks in one shard */
async function deadAmong(
  { connection, keys }: ClusterShards,
  entries: readonly string[],
  { signal }: DriverCallOptions,
): Promise<readonly string[]> {
  const tasks = entries.map((entry) => keys.of(positionIn(entry).taskId).task);
  const [now, ...births] = asArray(await connection.run(SCRIPTS.births, tasks, [], { doing: "reading", signal }));
  const nowUs = asNumber(now);
  return entries.filter((entry, at) => {
    const { createdAt } = positionIn(entry);
    // A task may still come for a young entry.
    if (nowUs <= createdAt * 1000 + 2 * ENTRY_WINDOW_US) return false;
    const birth = births[at];
    if (!Array.isArray(birth)) return true;
    const [created, createId] = asArray(birth);
    return asNumber(created) !== createdAt || !entry.endsWith(`\0${taskTagIn(entry)}${asText(createId)}`);
  });
}
