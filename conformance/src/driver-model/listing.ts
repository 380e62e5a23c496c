import type { PageQuery, PagePosition, TaskRecord } from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";

const encoder = new TextEncoder();

/** The page that a query must give: createdAt descending, then the bytes of taskId descending. */
export function listed(rows: readonly TaskRecord[], query: PageQuery, nowUs: number): readonly TaskRecord[] {
  const { scope, status, after, limit } = query;
  return rows
    .filter((row) => isVisible(row, nowUs))
    .filter((row) => scope === undefined || row.scope === scope)
    .filter((row) => status === undefined || status.includes(row.status))
    .filter((row) => after === undefined || comparePositions(row, after) > 0)
    .toSorted(comparePositions)
    .slice(0, limit);
}

/** Below 0: `a` stands before `b`. */
export function comparePositions(a: PagePosition, b: PagePosition): number {
  return b.createdAt - a.createdAt || compareBytes(encoder.encode(b.taskId), encoder.encode(a.taskId));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, place) => byte !== b[place]);
  if (at === -1) return a.length - b.length;
  return (a[at] ?? 0) - (b[at] ?? -1);
}
