import type { TaskOutcome } from "@mcp-task-store/core";

/** One outcome of each terminal status. */
export const COMPLETED: TaskOutcome = {
  status: "completed",
  result: { answer: 42, nested: { list: [1, "two", null] } },
};
export const FAILED: TaskOutcome = {
  status: "failed",
  error: { code: -32001, message: "no such city", data: { city: "Ys" } },
};
export const CANCELLED: TaskOutcome = { status: "cancelled" };
export const ENDINGS: readonly TaskOutcome[] = [COMPLETED, FAILED, CANCELLED];
