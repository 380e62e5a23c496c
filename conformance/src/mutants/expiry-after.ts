import type { TaskRecord } from "@mcp-task-store/core";
import type { Layers, Plot } from "./layered-target.ts";
import { intercepting, type WriteKind } from "./over-driver.ts";

/** After writes of these kinds a row's expiry is set to something else. */
export function expiryAfter(
  kinds: readonly WriteKind[],
  expiry: (row: TaskRecord, before: TaskRecord, plot: Plot) => number | null,
): Pick<Layers, "driver"> {
  return {
    driver: (driver, plot) =>
      intercepting(driver, async (write, kind, send) => {
        const before = plot.backend.rows.get(write.taskId);
        const answer = await send(write);
        if (before === undefined || answer.kind === "gone" || !kinds.includes(kind)) return answer;
        const expiresAt = expiry(answer.row, before, plot);
        if (expiresAt === answer.row.expiresAt) return answer;
        plot.fired();
        plot.backend.patch(write.taskId, () => ({ expiresAt }));
        return { ...answer, row: { ...answer.row, expiresAt } };
      }),
  };
}
