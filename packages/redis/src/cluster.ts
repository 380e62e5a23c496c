import { isTaskStoreError, TaskStoreError } from "@mcp-task-store/core";
import type {
  DriverCallOptions,
  DriverReadOptions,
  DueAnswer,
  Insert,
  InsertAnswer,
  PageAnswer,
  PageQuery,
  ReadAnswer,
} from "@mcp-task-store/core";
import { isVisible, toMs } from "@mcp-task-store/core/transitions";
import { dueInCluster } from "./cluster-due.ts";
import { pageOfOwner, pageOfShards } from "./cluster-page.ts";
import { ClusterShards, commonInstantUs, ENTRY_WINDOW_US } from "./cluster-shards.ts";
import type { ShardRead } from "./cluster-shards.ts";
import type { Connection } from "./connection.ts";
import { storedScope } from "./keys.ts";
import type { Keys } from "./keys.ts";
import { asArray, asNumber, asText } from "./reply.ts";
import { taskRecord } from "./row.ts";
import type { Loaded } from "./row.ts";
import { SCRIPTS } from "./scripts.ts";
import { insertAnswer, insertValues } from "./topology.ts";
import type { ListingEntry, Topology } from "./topology.ts";

/**
 * A Redis Cluster: a script may touch the keys of one shard. Each node has a clock of its own, and a task's is that of the
 * node that holds it.
 */
export class ClusterTopology implements Topology {
  readonly reach = "";
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #shards: ClusterShards;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
    this.#shards = new ClusterShards(connection, keys);
  }

  async insert(insert: Insert, { signal }: DriverCallOptions): Promise<InsertAnswer> {
    const { taskId, createId, scope } = insert;
    if (scope === null) return await this.#store(insert, signal);
    const stored = storedScope(scope);
    const keys = this.#keys.of(taskId);
    const startMs = performance.now();
    const values = [taskId, keys.tag, createId, stored];
    // An entry alone changes nothing that anybody sees: a lost answer is no unknown outcome.
    const reply = await this.#connection.run(SCRIPTS.planEntry, this.#keys.listed(stored).slice(0, 2), values, {
      doing: "reading",
      signal,
    });
    const us = asNumber(reply);
    const entry: ListingEntry = { scope: stored, createdAt: toMs(us), taskId, createId };
    try {
      const answer = await this.#store(insert, signal, us);
      // The entry of an earlier attempt is another one, and stays.
      if (answer.kind !== "inserted" || answer.row.createdAt !== entry.createdAt) this.unlist(entry);
      if (answer.kind === "late" && Math.abs(answer.nowUs - us) > ENTRY_WINDOW_US) throwIfClocksDiffer(startMs);
      return answer;
    } catch (error) {
      if (isTaskStoreError(error, "STORE_UNAVAILABLE")) this.unlist(entry);
      throw error;
    }
  }

  async #store(insert: Insert, signal: AbortSignal | undefined, entryUs?: number): Promise<InsertAnswer> {
    const keys = this.#keys.of(insert.taskId);
    const at = entryUs === undefined ? undefined : { us: entryUs, windowUs: ENTRY_WINDOW_US };
    const reply = await this.#connection.run(
      SCRIPTS.insert,
      [keys.task, keys.messages, keys.due, keys.all, keys.unowned],
      insertValues(insert, keys, this.reach, at),
      { doing: "writing", signal },
    );
    const [, , , scope, createdAt, createId] = asArray(reply);
    if (scope !== undefined) {
      const { taskId } = insert;
      this.unlist({ scope: asText(scope), createdAt: asNumber(createdAt), taskId, createId: asText(createId) });
    }
    return insertAnswer(insert.taskId, reply);
  }

  /** Each shard is asked once, all at the same time: one round trip for each node. */
  async read(taskIds: readonly string[], loaded: Loaded, options: DriverReadOptions): Promise<ReadAnswer> {
    const startMs = performance.now();
    const { onPart } = options;
    const onShard = (read: ShardRead): void => onPart?.([...read.found.keys()], visibleIn([read], loaded, read.nowUs));
    const reads = await this.#shards.read([...new Set(taskIds)], loaded, options, onShard);
    const readingsUs = reads.map((read) => read.nowUs);
    return visibleIn(reads, loaded, commonInstantUs(readingsUs, performance.now() - startMs));
  }

  async page(query: PageQuery, options: DriverCallOptions): Promise<PageAnswer> {
    const { scope } = query;
    if (typeof scope === "string") return await pageOfOwner(this.#shards, storedScope(scope), query, options);
    return await pageOfShards(this.#shards, scope === null ? "unowned" : "all", query, options);
  }

  async due(limit: number, holdMs: number, options: DriverCallOptions): Promise<DueAnswer> {
    return await dueInCluster(this.#shards, limit, holdMs, options);
  }

  unlist(entry: ListingEntry): void {
    this.#shards.unlist(entry);
  }
}

function visibleIn(reads: readonly ShardRead[], loaded: Loaded, nowUs: number): ReadAnswer {
  const rows = reads.flatMap(({ found }) =>
    [...found].flatMap(([taskId, row]) => (Array.isArray(row) ? [taskRecord(taskId, row, loaded)] : [])),
  );
  return { rows: rows.filter((row) => isVisible(row, nowUs)), nowUs };
}

/** The reading of one node lies far from that of another, though little time has passed. */
function throwIfClocksDiffer(sinceMs: number): void {
  if ((performance.now() - sinceMs) * 1000 > ENTRY_WINDOW_US / 2) return;
  const seconds = ENTRY_WINDOW_US / 1_000_000;
  throw new TaskStoreError(
    "STORE_UNAVAILABLE",
    `the clocks of the cluster's nodes differ by more than ${seconds} s: nothing was stored`,
    { retryable: false },
  );
}
