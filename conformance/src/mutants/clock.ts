import type { TaskRecord } from "@mcp-task-store/core";
import { defineMutant, type Mutant, type Plot } from "./mutant.ts";
import { intercepting, unguarded } from "./over-driver.ts";

const MINUTE_MS = 60_000;

/** By how much the clock of the process is wrong, in whole minutes: the drift between two right ones is no fault. */
function skewMs({ backend, fired }: Plot): number {
  const skew = Math.round((Date.now() - backend.nowMs()) / MINUTE_MS) * MINUTE_MS;
  if (skew !== 0) fired();
  return skew;
}

/** Whether a process whose clock says `nowMs` takes the row for expired. */
function expiredFor(row: TaskRecord, nowMs: number): boolean {
  return row.expiresAt !== null && row.expiresAt <= nowMs;
}

export const clock: readonly Mutant[] = [
  defineMutant({
    name: "stamp-client",
    fault: "Times are those of the process that writes.",
    killedBy: ["clock/stamps"],
    driver: (driver, plot) =>
      intercepting(driver, async (write, _kind, send) => {
        const answer = await send(write);
        const skew = skewMs(plot);
        if (answer.kind !== "written" || skew === 0) return answer;
        const lastUpdatedAt = answer.row.lastUpdatedAt + skew;
        plot.backend.patch(write.taskId, () => ({ lastUpdatedAt }));
        return { ...answer, row: { ...answer.row, lastUpdatedAt } };
      }),
  }),
  defineMutant({
    name: "updated-backwards",
    fault: "lastUpdatedAt follows the backend's clock when it is set back.",
    killedBy: ["clock/stamps"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, _kind, send) => {
        const answer = await send(write);
        const lastUpdatedAt = backend.sourceMs();
        if (answer.kind !== "written" || answer.row.lastUpdatedAt - lastUpdatedAt < MINUTE_MS) return answer;
        fired();
        backend.patch(write.taskId, () => ({ lastUpdatedAt }));
        return { ...answer, row: { ...answer.row, lastUpdatedAt } };
      }),
  }),
  defineMutant({
    name: "expiry-by-writer",
    fault: "The process that creates a task works out when it expires.",
    killedBy: ["clock/deadlines"],
    mayAlso: ["clock/stamps"],
    driver: (driver, plot) => ({
      ...driver,
      async insert(insert, options) {
        const answer = await driver.insert(insert, options);
        const skew = skewMs(plot);
        if (answer.kind !== "inserted" || answer.row.expiresAt === null || skew === 0) return answer;
        const expiresAt = answer.row.expiresAt + skew;
        plot.backend.patch(insert.taskId, () => ({ expiresAt }));
        return { ...answer, row: { ...answer.row, expiresAt } };
      },
    }),
  }),
  defineMutant({
    name: "expiry-by-reader",
    fault: "The process that reads a task decides whether it has expired.",
    killedBy: ["clock/deadlines"],
    mayAlso: ["clock/stamps"],
    driver: (driver, plot) => ({
      ...driver,
      async read(ids, options) {
        const answer = await driver.read(ids, options);
        const skew = skewMs(plot);
        if (skew === 0) return answer;
        const nowMs = plot.backend.nowMs() + skew;
        const asked = new Set(ids);
        const rows = [...plot.backend.rows.values()].filter((row) => asked.has(row.taskId) && !expiredFor(row, nowMs));
        return { ...answer, rows };
      },
    }),
  }),
  defineMutant({
    name: "lease-client-clock",
    fault: "The process that wants a task decides whether its lease is over.",
    killedBy: ["clock/deadlines"],
    driver: (driver, plot) =>
      intercepting(driver, async (write, kind, send) => {
        const row = plot.backend.rows.get(write.taskId);
        if (kind !== "acquire" || row === undefined || row.lease === null) return send(write);
        const skew = skewMs(plot);
        if (skew === 0) return send(write);
        const left = row.lease.expiresAt - (plot.backend.nowMs() + skew);
        if (left <= 0) return send(unguarded(write, "lease"));
        const lease = { ...row.lease, expiresAt: plot.backend.nowMs() + left };
        return { kind: "refused", row: { ...row, lease }, nowUs: plot.backend.nowUs() };
      }),
  }),
];
