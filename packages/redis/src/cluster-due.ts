import type { DriverCallOptions, DueAnswer, TaskRecord } from "@mcp-task-store/core";
import { toMs } from "@mcp-task-store/core/transitions";
import { ENTRY_WINDOW_US } from "./cluster-shards.ts";
import type { ClusterShards } from "./cluster-shards.ts";
import { sweepListings } from "./cluster-sweep.ts";
import type { ListingToSweep } from "./cluster-sweep.ts";
import { TAGS } from "./keys.ts";
import { asArray, asNumber, asText } from "./reply.ts";
import { taskRecord } from "./row.ts";
import { SCRIPTS } from "./scripts.ts";

/** What is due in one shard, earliest first. */
interface Peek {
  readonly tag: string;
  readonly nowUs: number;
  readonly entries: readonly { readonly member: string; readonly dueAt: number }[];
  /** One or none. */
  readonly listings: readonly ListingToSweep[];
}

/** So far may a shard be looked at behind its own node's clock, for the sake of one instant for all. µs */
const MAX_LAG_US = 1_000_000;

/**
 * Maintenance's look over all shards. First each says what is due, then those are looked at that are earliest of all; most
 * rounds have nothing to look at. Each task's look is one step of its node.
 *
 * A shard that does not answer is left for the next round: the others' tasks are looked after meanwhile.
 */
export async function dueInCluster(
  shards: ClusterShards,
  limit: number,
  holdMs: number,
  options: DriverCallOptions,
): Promise<DueAnswer> {
  const attempts = await Promise.allSettled(TAGS.map((tag) => peek(shards, tag, limit + 1, options)));
  const peeks = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
  const failed = attempts.find((attempt) => attempt.status === "rejected");
  const nowUs = Math.min(...peeks.map((each) => each.nowUs));
  const due = peeks
    .flatMap(({ tag, nowUs: ownUs, entries }) => {
      const atMs = toMs(Math.max(nowUs, ownUs - MAX_LAG_US));
      return entries.filter(({ dueAt }) => dueAt <= atMs).map((entry) => ({ ...entry, tag, atMs }));
    })
    .toSorted((a, b) => a.dueAt - b.dueAt);
  const sweeping = sweepListings(
    shards,
    peeks.flatMap(({ listings }) => listings),
    options,
  );
  if (due.length === 0 && failed !== undefined) {
    await sweeping;
    throw failed.reason;
  }

  const chosen = new Map<string, { readonly atMs: number; readonly members: string[] }>();
  for (const { tag, atMs, member } of due.slice(0, limit)) {
    const shard = chosen.get(tag) ?? { atMs, members: [] };
    shard.members.push(member);
    chosen.set(tag, shard);
  }
  const rows: TaskRecord[] = [];
  const purged: string[] = [];
  const looks = await Promise.allSettled(
    [...chosen].map(async ([tag, { atMs, members }]) => {
      for (const look of await lookAt(shards, tag, atMs, holdMs, members, options)) {
        takeIn(shards, look, atMs, rows, purged);
      }
    }),
  );
  await sweeping;
  // What was done elsewhere is told: those tasks do not come up again soon.
  const lost = looks.find((look) => look.status === "rejected");
  if (lost !== undefined && rows.length === 0 && purged.length === 0) throw lost.reason;
  return { rows, purged, more: due.length > limit, nowUs };
}

async function peek(
  { connection, keys }: ClusterShards,
  tag: string,
  limit: number,
  { signal }: DriverCallOptions,
): Promise<Peek> {
  const reply = await connection.run(SCRIPTS.peekDue, [keys.shard(tag).due, keys.owners(tag)], [String(limit)], {
    doing: "reading",
    signal,
  });
  const [now, found, waiting] = asArray(reply);
  const values = asArray(found);
  const [scope, since] = asArray(waiting);
  const entries = values.flatMap((value, at) =>
    at % 2 === 0 ? [{ member: asText(value), dueAt: Number(asText(values[at + 1])) }] : [],
  );
  const listings = scope === undefined ? [] : [{ scope: asText(scope), since: Number(asText(since)) }];
  return { tag, nowUs: asNumber(now), entries, listings };
}

async function lookAt(
  { connection, keys }: ClusterShards,
  tag: string,
  atMs: number,
  holdMs: number,
  members: readonly string[],
  { signal }: DriverCallOptions,
): Promise<readonly unknown[]> {
  const { due, all, unowned } = keys.shard(tag);
  const tasks = members.flatMap((member) => {
    const { task, messages } = keys.of(taskIdIn(member));
    return [task, messages];
  });
  const values = [tag, String(atMs), String(holdMs), ...members];
  return asArray(
    await connection.run(SCRIPTS.lookAtDue, [due, all, unowned, ...tasks], values, { doing: "reading", signal }),
  );
}

function takeIn(shards: ClusterShards, look: unknown, atMs: number, rows: TaskRecord[], purged: string[]): void {
  const [what, found, third, created, createId] = asArray(look);
  switch (asText(what)) {
    case "work":
      rows.push(taskRecord(asText(found), third));
      return;
    case "purge": {
      const [taskId, scope] = [asText(found), asText(third)];
      purged.push(taskId);
      if (scope !== "") shards.unlist({ scope, createdAt: asNumber(created), taskId, createId: asText(createId) });
      return;
    }
    case "dead": {
      const [scope, createdAt] = [asText(third), asNumber(created)];
      const isOld = atMs > createdAt + (2 * ENTRY_WINDOW_US) / 1000;
      if (scope !== "" && isOld) shards.unlistDead(scope, createdAt, asText(found));
      return;
    }
    default:
  }
}

/** Behind the 16 digits of its creation, up to a NUL or the end. */
function taskIdIn(member: string): string {
  const end = member.indexOf("\0");
  return member.slice(16, end === -1 ? undefined : end);
}
