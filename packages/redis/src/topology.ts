import type {
  DriverCallOptions,
  DriverReadOptions,
  DueAnswer,
  Insert,
  InsertAnswer,
  PageAnswer,
  PageQuery,
  ReadAnswer,
  TaskStatus,
} from "@mcp-task-store/core";
import type { TaskKeys } from "./keys.ts";
import { storedScope } from "./keys.ts";
import { asArray, asNumber, asText } from "./reply.ts";
import { taskRecord } from "./row.ts";
import type { Loaded } from "./row.ts";

/**
 * So many entries of a listing one page looks at, and stops short then: a filter that few of very many tasks pass would
 * else take up its caller's time without an end, and have nothing to show for it. In a cluster they are asked for shard
 * by shard, a few in each command.
 */
export const ENTRIES_A_PAGE = { single: 20_000, cluster: 5_000 } as const;

/** What differs between one server, where a script may touch every key, and a cluster, where it may touch one slot's. */
export interface Topology {
  /** What scripts are told: the prefix of all keys, if they may touch those of other slots; else nothing. */
  readonly reach: string;
  insert(insert: Insert, options: DriverCallOptions): Promise<InsertAnswer>;
  read(taskIds: readonly string[], loaded: Loaded, options: DriverReadOptions): Promise<ReadAnswer>;
  page(query: PageQuery, options: DriverCallOptions): Promise<PageAnswer>;
  due(limit: number, holdMs: number, options: DriverCallOptions): Promise<DueAnswer>;
  /** Takes the entry of a task that is gone out of its owner's listing, where a script could not reach it. */
  unlist?(entry: ListingEntry): void;
}

/** An entry in an owner's listing. */
export interface ListingEntry {
  /** In the stored form. */
  readonly scope: string;
  readonly createdAt: number;
  readonly taskId: string;
  readonly createId: string;
}

/** What the script "insert" is given behind its keys. @param at µs of the entry that was made before, or undefined */
export function insertValues(
  insert: Insert,
  { tag }: TaskKeys,
  reach: string,
  at?: { readonly us: number; readonly windowUs: number },
): readonly string[] {
  const { taskId, createId, scope, generation, ttlMs, pollIntervalMs, claimInMs, notAfterUs } = insert;
  return [
    taskId,
    tag,
    createId,
    scope === null ? "" : storedScope(scope),
    generation ?? "",
    String(ttlMs ?? -1),
    String(pollIntervalMs),
    String(claimInMs),
    String(notAfterUs),
    marked(insert.statusMessage),
    marked(insert.metadata),
    marked(insert.request),
    reach,
    at === undefined ? "" : String(at.us),
    at === undefined ? "0" : String(at.windowUs),
  ];
}

/** What it answers. */
export function insertAnswer(taskId: string, reply: unknown): InsertAnswer {
  const [kind, now, row] = asArray(reply);
  const nowUs = asNumber(now);
  const name = asText(kind);
  if (name === "late") return { kind: "late", nowUs };
  return { kind: name === "inserted" ? "inserted" : "exists", row: taskRecord(taskId, row), nowUs };
}

/** "Any scope", or which: as scripts take it. */
export function scopeValue({ scope }: { readonly scope?: string | null }): string {
  if (scope === undefined) return "*";
  return scope === null ? "-" : `=${storedScope(scope)}`;
}

/** Further fields, as the script "read" takes them. */
export function fieldsOf({ request = false, outcome = false }: Loaded): readonly string[] {
  return [...(request ? ["request"] : []), ...(outcome ? ["outcome"] : [])];
}

/** Whether a page is to show a row of that status. */
export function shows(query: PageQuery, status: TaskStatus): boolean {
  return query.status === undefined || query.status.includes(status);
}

function marked(text: string | null): string {
  return text === null ? "" : `=${text}`;
}
