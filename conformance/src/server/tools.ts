import type { JsonObject } from "@mcp-task-store/core";

/**
 * The tools that a server under judgement has, by what they do. The names are those that the official scenarios expect.
 * greet: at once, never a task. slow_compute: works for `seconds`, as a task or not. failing_job: only as a task; its
 * result says isError. protocol_error_job: ends with a JSON-RPC error. confirm_delete: asks one question. multi_input:
 * asks two at once.
 */
export type ToolRole =
  | "greet"
  | "slow_compute"
  | "failing_job"
  | "protocol_error_job"
  | "confirm_delete"
  | "multi_input";

export const TOOL_ROLES: readonly ToolRole[] = [
  "greet",
  "slow_compute",
  "failing_job",
  "protocol_error_job",
  "confirm_delete",
  "multi_input",
];

/** What each is called where nobody says otherwise. */
export const TOOL_NAMES: Readonly<Record<ToolRole, string>> = {
  greet: "greet",
  slow_compute: "slow_compute",
  failing_job: "failing_job",
  protocol_error_job: "protocol_error_job",
  confirm_delete: "confirm_delete",
  multi_input: "multi_input",
};

/** What each is called with. */
export const TOOL_ARGUMENTS: Readonly<Record<ToolRole, JsonObject>> = {
  greet: { name: "Ada" },
  slow_compute: { seconds: 0, label: "kit" },
  failing_job: {},
  protocol_error_job: {},
  confirm_delete: { filename: "a.txt" },
  multi_input: {},
};
