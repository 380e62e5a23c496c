import type { Names } from "../sql/names.ts";
import { tasksMigration } from "./0001-tasks.ts";
import { messagesMigration } from "./0002-messages.ts";

/** One step of the schema. Published steps never change; a change is a new step. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: (names: Names) => string;
}

/** In order of version, without gaps. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: "tasks", sql: tasksMigration },
  { version: 2, name: "messages", sql: messagesMigration },
];
