import { resolve } from "node:path";
import type { DriverCapabilities, TaskRecord } from "@mcp-task-store/core";
import type { MessageQueueState } from "@mcp-task-store/core/adapter";
import { type Database, open, type RootDatabase } from "lmdb";

export const CAPABILITIES: DriverCapabilities = {
  durable: true,
  multiProcess: true,
  // Waiters of other processes look for themselves.
  pushHints: false,
  messages: true,
  listing: true,
  maxPayloadBytes: 16_777_216,
};

export type IndexKey = (string | number)[];

/** What is kept in a directory: the clock's last reading, rows and messages by task id, and task ids in order. */
export interface Environment {
  readonly root: RootDatabase<number, "clock">;
  readonly rows: Database<TaskRecord, string>;
  readonly queues: Database<MessageQueueState, string>;
  readonly index: Database<string, IndexKey>;
}

const opened = new Map<string, Environment & { users: number }>();

/**
 * The environment of a directory. A process opens it once, however many drivers it has: opening it again while a
 * transaction waits for its turn would stop both for ever.
 */
export function borrowEnvironment(path: string): Environment & { readonly giveBack: () => Promise<void> } {
  const directory = resolve(path);
  const environment = opened.get(directory) ?? { ...openEnvironment(directory), users: 0 };
  opened.set(directory, environment);
  environment.users += 1;
  const giveBack = async (): Promise<void> => {
    environment.users -= 1;
    await environment.root.committed;
    if (environment.users > 0 || opened.get(directory) !== environment) return;
    opened.delete(directory);
    await environment.root.close();
  };
  return { ...environment, giveBack };
}

function openEnvironment(path: string): Environment {
  // With overlapping sync, a commit would be acknowledged before it is on the disk.
  const root = open<number, "clock">({ path, encoding: "json", overlappingSync: false });
  const rows = root.openDB<TaskRecord, string>({ name: "rows", encoding: "json" });
  const queues = root.openDB<MessageQueueState, string>({ name: "queues", encoding: "json" });
  const index = root.openDB<string, IndexKey>({ name: "index", encoding: "json" });
  return { root, rows, queues, index };
}

/** Where the index has a listing: of a principal's tasks, of unowned ones (null), or of all. */
export function listOf(scope: string | null | undefined): string[] {
  if (scope === undefined) return ["all"];
  return scope === null ? ["unowned"] : ["own", scope];
}

/** The entries of a row in the index: in two listings, and among what is due. */
export function indexKeys(row: TaskRecord | undefined): readonly IndexKey[] {
  if (row === undefined) return [];
  const { scope, createdAt, taskId, dueAt } = row;
  const lists = [listOf(undefined), listOf(scope)].map((list) => [...list, createdAt, taskId]);
  return dueAt === null ? lists : [...lists, ["due", dueAt, taskId]];
}
