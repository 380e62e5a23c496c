import type {
  DriverCallOptions,
  DueAnswer,
  Insert,
  InsertAnswer,
  PageAnswer,
  PageQuery,
  ReadAnswer,
  TaskRecord,
} from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";
import type { Connection } from "./connection.ts";
import { entryOf, positionIn, storedScope } from "./keys.ts";
import type { Keys } from "./keys.ts";
import { asArray, asNumber, asText } from "./reply.ts";
import { taskRecord } from "./row.ts";
import type { Loaded } from "./row.ts";
import { SCRIPTS } from "./scripts.ts";
import { ENTRIES_A_PAGE, fieldsOf, insertAnswer, insertValues } from "./topology.ts";
import type { Topology } from "./topology.ts";

/** How many entries of a listing one call looks at: a server serves nobody else meanwhile. */
const ENTRIES_AT_ONCE = 2_000;

/** How many tasks one look takes, for the same reason. */
const TASKS_AT_ONCE = 1_000;

/** One server, or the primary that sentinels name: a script may touch every key, so each call is one round trip. */
export class SingleServer implements Topology {
  readonly reach: string;
  readonly #connection: Connection;
  readonly #keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
    this.reach = keys.prefix;
  }

  async insert(insert: Insert, { signal }: DriverCallOptions): Promise<InsertAnswer> {
    const { taskId, scope } = insert;
    const keys = this.#keys.of(taskId);
    const names = [keys.task, keys.messages, keys.due, keys.all, keys.unowned];
    if (scope !== null) names.push(this.#keys.listing(storedScope(scope)));
    const values = insertValues(insert, keys, this.reach);
    return insertAnswer(
      taskId,
      await this.#connection.run(SCRIPTS.insert, names, values, { doing: "writing", signal }),
    );
  }

  async read(taskIds: readonly string[], loaded: Loaded, { signal }: DriverCallOptions): Promise<ReadAnswer> {
    const ids = [...new Set(taskIds)];
    const keys = ids.map((taskId) => this.#keys.of(taskId).task);
    const reply = await this.#connection.run(SCRIPTS.read, keys, fieldsOf(loaded), { doing: "reading", signal });
    const [now, ...found] = asArray(reply);
    const rows = ids.flatMap((taskId, at) => {
      const row = found[at];
      return Array.isArray(row) ? [taskRecord(taskId, row, loaded)] : [];
    });
    return { rows, nowUs: asNumber(now) };
  }

  async page(query: PageQuery, { signal }: DriverCallOptions): Promise<PageAnswer> {
    const { scope, status, after, limit } = query;
    const statuses = status === undefined ? "" : `,${status.join(",")},`;
    const owned = typeof scope === "string";
    const keys = owned ? [this.#keys.listing(storedScope(scope))] : [];
    const index = owned ? [] : [scope === null ? "unowned" : "all"];
    const script = owned ? SCRIPTS.pageOfOwner : SCRIPTS.pageOfShards;
    let rows: readonly TaskRecord[] = [];
    let place = after === undefined ? "" : entryOf(after.createdAt, after.taskId);
    let nowUs = 0;
    let left: number = ENTRIES_A_PAGE.single;
    do {
      const values = [this.reach, String(limit - rows.length), place, statuses, String(ENTRIES_AT_ONCE), ...index];
      left -= ENTRIES_AT_ONCE;
      const reply = await this.#connection.run(script, keys, values, { doing: "reading", signal });
      const [now, reached, found] = asArray(reply);
      nowUs = asNumber(now);
      place = asText(reached);
      // Where a page takes several looks, the last one's clock decides about all rows.
      rows = [...rows, ...pairs(found)].filter((row) => isVisible(row, nowUs));
    } while (place !== "" && rows.length < limit && left > 0);
    const isShort = place !== "" && rows.length < limit;
    return { rows, nowUs, ...(isShort ? { reached: positionIn(place) } : {}) };
  }

  async due(limit: number, holdMs: number, { signal }: DriverCallOptions): Promise<DueAnswer> {
    const rows: TaskRecord[] = [];
    const purged: string[] = [];
    for (let left = limit; ; left -= TASKS_AT_ONCE) {
      const values = [this.reach, String(Math.min(left, TASKS_AT_ONCE)), String(holdMs)];
      const reply = await this.#connection.run(SCRIPTS.due, [], values, { doing: "reading", signal });
      const [now, more, found, gone] = asArray(reply);
      rows.push(...pairs(found));
      purged.push(...asArray(gone).map(asText));
      if (asNumber(more) === 0 || left <= TASKS_AT_ONCE) {
        return { rows, purged, more: asNumber(more) === 1, nowUs: asNumber(now) };
      }
    }
  }
}

/** A list of ids, each with its row. */
function pairs(reply: unknown): readonly TaskRecord[] {
  const values = asArray(reply);
  return values.flatMap((value, at) => (at % 2 === 0 ? [taskRecord(asText(value), values[at + 1])] : []));
}
