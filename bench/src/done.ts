import type { TaskOutcome } from "@mcp-task-store/core";

/** How tasks of benchmarks end. */
export const DONE: Extract<TaskOutcome, { readonly status: "completed" }> = { status: "completed", result: {} };
