import type { DriverCallOptions } from "@mcp-task-store/core";
import type { Connection } from "./connection.ts";
import { entryOf } from "./keys.ts";
import type { Keys } from "./keys.ts";
import { isOfMovingSlot } from "./map-error.ts";
import { asArray, asNumber } from "./reply.ts";
import type { Loaded } from "./row.ts";
import { SCRIPTS } from "./scripts.ts";
import { fieldsOf } from "./topology.ts";
import type { ListingEntry } from "./topology.ts";

/**
 * How long after its entry in a listing a task may be stored, µs; also how far apart the clocks of two nodes may be.
 * Entries without a task are left alone for twice that.
 */
export const ENTRY_WINDOW_US = 10_000_000;

/**
 * One instant for what several nodes were asked, by their own clocks: the last of their readings. Where clocks differ, it
 * is not further ahead of the slowest than the time that passed, since that node's tasks have not expired by its clock.
 */
export function commonInstantUs(readingsUs: readonly number[], elapsedMs: number): number {
  return Math.min(Math.max(...readingsUs), Math.min(...readingsUs) + Math.ceil(elapsedMs * 1000));
}

/** What a read of one shard found, by id: 0 for a task that has expired, null for none. */
export interface ShardRead {
  readonly nowUs: number;
  readonly found: ReadonlyMap<string, unknown>;
}

/** What all calls on a cluster need of its shards. */
export class ClusterShards {
  readonly connection: Connection;
  readonly keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.connection = connection;
    this.keys = keys;
  }

  /**
   * @param onShard told of each as soon as its node has answered
   * @returns one read for each shard of the ids, several for one that is being moved; without ids any node's clock
   */
  async read(
    taskIds: readonly string[],
    loaded: Loaded,
    { signal }: DriverCallOptions,
    onShard?: (read: ShardRead) => void,
  ): Promise<readonly ShardRead[]> {
    const shards = new Map<string, string[]>();
    for (const taskId of taskIds) {
      const { tag } = this.keys.of(taskId);
      shards.set(tag, [...(shards.get(tag) ?? []), taskId]);
    }
    const groups = taskIds.length === 0 ? [[]] : [...shards.values()];
    const readOf = async (ids: readonly string[]): Promise<readonly ShardRead[]> => {
      const keys = ids.map((taskId) => this.keys.of(taskId).task);
      try {
        const reply = await this.connection.run(SCRIPTS.read, keys, fieldsOf(loaded), { doing: "reading", signal });
        const [now, ...rows] = asArray(reply);
        const read = { nowUs: asNumber(now), found: new Map(ids.map((taskId, at) => [taskId, rows[at]])) };
        onShard?.(read);
        return [read];
      } catch (error) {
        // While its slot is half here and half there, only one of its tasks can be asked for at a time.
        if (ids.length < 2 || !isOfMovingSlot(error)) throw error;
        return (await all(ids.map(async (taskId) => await readOf([taskId])))).flat();
      }
    };
    return (await all(groups.map(readOf))).flat();
  }

  /** Off the caller's path; what is not removed now, a later listing or round of maintenance removes. */
  unlist(entry: ListingEntry): void {
    const { tag } = this.keys.of(entry.taskId);
    const member = `${entryOf(entry.createdAt, entry.taskId)}\0${tag}${entry.createId}`;
    this.#unlist(entry.scope, ["", "", member]).catch(() => {});
  }

  /** Takes entries out of an owner's listing. @throws TaskStoreError */
  async unlistEntries(scope: string, members: readonly string[], signal?: AbortSignal): Promise<void> {
    if (members.length > 0) await this.#unlist(scope, ["", "", ...members], signal);
  }

  /** From an index of a shard. Off the caller's path; what is not removed now, a later listing removes. */
  removeEntries(index: string, members: readonly string[]): void {
    if (members.length === 0) return;
    this.connection.command("zrem", [index, ...members], { doing: "reading" }).catch(() => {});
  }

  /** The same for the entries in a listing of a task that is gone, and its create id with it. */
  unlistDead(scope: string, createdAt: number, taskId: string): void {
    const from = entryOf(createdAt, taskId);
    this.#unlist(scope, [`[${from}\0`, `(${from}\u0001`]).catch(() => {});
  }

  async #unlist(scope: string, values: readonly string[], signal?: AbortSignal): Promise<void> {
    await this.connection.run(SCRIPTS.unlist, this.keys.listed(scope), [scope, ...values], {
      doing: "reading",
      signal,
    });
  }
}

/** Like Promise.all, but no call outlives it. */
export async function all<T>(calls: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(calls);
  return await Promise.all(calls);
}
