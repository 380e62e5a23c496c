/** Drivers that are wrong on purpose, one fault each: the comparison with the reference must catch every one. */
import type { Alternative, Change, Guards, TaskDriver, TaskRecord, Write } from "@mcp-task-store/core";
import { delegate } from "./delegate.ts";

/** Makes a faulty driver out of a right one. */
export type Fault = (driver: TaskDriver) => TaskDriver;

function withWrite(driver: TaskDriver, altered: (write: Write) => Write): TaskDriver {
  return { ...delegate(driver), write: (write, options) => driver.write(altered(write), options) };
}

function withAlternatives(driver: TaskDriver, altered: (alternative: Alternative) => Alternative): TaskDriver {
  return withWrite(driver, (write) => ({ ...write, alternatives: write.alternatives.map(altered) }));
}

function without<Value extends object>(value: Value, key: keyof Value): Value {
  const { [key]: _dropped, ...rest } = value;
  return Object.assign(Object.create(Object.prototype), rest);
}

function guardSkipped(key: keyof Guards): Fault {
  return (driver) => withAlternatives(driver, ({ when, then }) => ({ when: without(when, key), then }));
}

function changeSkipped(key: keyof Change): Fault {
  return (driver) => withAlternatives(driver, ({ when, then }) => ({ when, then: without(then, key) }));
}

function fieldSkipped(key: keyof NonNullable<Change["set"]>): Fault {
  return (driver) =>
    withAlternatives(driver, ({ when, then }) => ({
      when,
      then: then.set === undefined ? then : { ...then, set: without(then.set, key) },
    }));
}

/** Answers with rows changed; what is stored stays right. */
function answering(altered: (row: TaskRecord) => TaskRecord): Fault {
  return (driver) => ({
    ...delegate(driver),
    async read(taskIds, options) {
      const answer = await driver.read(taskIds, options);
      return { ...answer, rows: answer.rows.map(altered) };
    },
  });
}

const GUARDS: readonly (keyof Guards)[] = [
  "open",
  "status",
  "lease",
  "expectedInputs",
  "generation",
  "cancelRequested",
  "attemptsBelow",
  "claimOver",
  "runOver",
];
const CHANGES: readonly (keyof Change)[] = [
  "set",
  "ttl",
  "lease",
  "claimInMs",
  "runInMs",
  "attempts",
  "cancelRequested",
];
const FIELDS: readonly (keyof NonNullable<Change["set"]>)[] = [
  "status",
  "statusMessage",
  "pollIntervalMs",
  "ttlMs",
  "inputs",
  "metadata",
  "outcome",
];

const LATER = 60_000_000;

export const FAULTY_DRIVERS: Readonly<Record<string, Fault>> = {
  ...Object.fromEntries(GUARDS.map((key) => [`guard-${key}-skipped`, guardSkipped(key)])),
  ...Object.fromEntries(CHANGES.map((key) => [`change-${key}-skipped`, changeSkipped(key)])),
  ...Object.fromEntries(FIELDS.map((key) => [`field-${key}-skipped`, fieldSkipped(key)])),
  "guard-scope-skipped": (driver) => withWrite(driver, (write) => without(write, "scope")),
  "scope-casefold": (driver) =>
    withWrite(driver, (write) =>
      typeof write.scope === "string" ? { ...write, scope: write.scope.toLowerCase() } : write,
    ),
  "late-attempt": (driver) => withWrite(driver, (write) => ({ ...write, notAfterUs: write.notAfterUs + LATER })),
  "ring-cannot-tell-ignored": (driver) => withWrite(driver, (write) => without(write, "sinceRevision")),
  "another-row-ignored": (driver) => withWrite(driver, (write) => without(write, "createId")),
  "born-later-ignored": (driver) => withWrite(driver, (write) => without(write, "bornByUs")),
  "late-insert": (driver) => ({
    ...delegate(driver),
    insert: (insert, options) => driver.insert({ ...insert, notAfterUs: insert.notAfterUs + LATER }, options),
  }),
  "late-remove": (driver) => ({
    ...delegate(driver),
    remove: (remove, options) => driver.remove({ ...remove, notAfterUs: remove.notAfterUs + LATER }, options),
  }),
  "remove-any-scope": (driver) => ({
    ...delegate(driver),
    remove: ({ taskId, notAfterUs }, options) => driver.remove({ taskId, notAfterUs }, options),
  }),
  "write-twice": (driver) => {
    let attempts = 0;
    return withWrite(driver, (write) => ({ ...write, writeId: `${write.writeId}-${(attempts += 1)}` }));
  },
  "second-alternative": (driver) =>
    withWrite(driver, (write) => ({ ...write, alternatives: write.alternatives.toReversed() })),
  "quiet-is-loud": (driver) => withWrite(driver, (write) => without(write, "quiet")),
  "lease-none-means-null": (driver) =>
    withAlternatives(driver, ({ when, then }) => ({
      when: when.lease === "none" ? { ...when, lease: { token: -1 } } : when,
      then,
    })),
  "lapsed-means-token": (driver) =>
    withAlternatives(driver, ({ when, then }) => ({
      when:
        typeof when.lease === "object" && "lapsed" in when.lease
          ? { ...when, lease: { token: when.lease.lapsed } }
          : when,
      then,
    })),
  "grace-dropped": (driver) =>
    withAlternatives(driver, ({ when, then }) => ({
      when,
      then: then.lease === undefined || then.lease === null ? then : { ...then, lease: { ...then.lease, graceMs: 0 } },
    })),
  "insert-exists-is-ours": (driver) => ({
    ...delegate(driver),
    async insert(insert, options) {
      const answer = await driver.insert(insert, options);
      return answer.kind === "exists" ? { ...answer, kind: "inserted" } : answer;
    },
  }),
  "refusal-read-again": (driver) => ({
    ...delegate(driver),
    async write(write, options) {
      const answer = await driver.write(write, options);
      if (answer.kind !== "refused") return answer;
      const { rows, nowUs } = await driver.read([write.taskId], options);
      const [row] = rows;
      return row === undefined ? { kind: "gone" } : { ...answer, row: { ...row, dueAt: nowUs }, nowUs };
    },
  }),
  "ring-of-seven": answering((row) => ({ ...row, ring: row.ring.slice(-7) })),
  "null-outcome-dropped": answering((row) => (row.outcome === null ? without(row, "outcome") : row)),
  "payload-reformatted": answering((row) => ({
    ...row,
    metadata: row.metadata === null ? null : JSON.stringify(JSON.parse(row.metadata)),
  })),
  "empty-text-is-null": answering((row) => ({
    ...row,
    statusMessage: row.statusMessage === "" ? null : row.statusMessage,
  })),
  "live-rows": (driver) => {
    const shared = new Map<string, TaskRecord>();
    return {
      ...delegate(driver),
      async read(taskIds, options) {
        const { rows, nowUs } = await driver.read(taskIds, options);
        const known = rows.map((row) => {
          const copy = shared.get(row.taskId);
          const live =
            copy?.revision === row.revision
              ? Object.assign({ ...row }, { statusMessage: copy.statusMessage })
              : { ...row };
          shared.set(row.taskId, live);
          return live;
        });
        return { rows: known, nowUs };
      },
    };
  },
  "doubled-rows": (driver) => ({
    ...delegate(driver),
    async read(taskIds, options) {
      const answer = await driver.read(taskIds, options);
      const rows = taskIds.flatMap((taskId) => answer.rows.filter((row) => row.taskId === taskId));
      return { ...answer, rows };
    },
  }),
  "page-any-scope": (driver) => ({
    ...delegate(driver),
    page: (query, options) => driver.page(without(query, "scope"), options),
  }),
  "filter-after-limit": (driver) => ({
    ...delegate(driver),
    async page(query, options) {
      const answer = await driver.page(without(query, "status"), options);
      const rows = answer.rows.filter((row) => query.status?.includes(row.status) ?? true);
      return { ...answer, rows };
    },
  }),
  "page-from-position": (driver) => ({
    ...delegate(driver),
    page: (query, options) =>
      driver.page(
        query.after === undefined
          ? query
          : { ...query, after: { ...query.after, createdAt: query.after.createdAt + 1 } },
        options,
      ),
  }),
  "due-unlimited": (driver) => ({
    ...delegate(driver),
    due: (limit, holdMs, options) => driver.due(limit + 100, holdMs, options),
  }),
  "due-not-held": (driver) => ({
    ...delegate(driver),
    due: (limit, _holdMs, options) => driver.due(limit, 0, options),
  }),
  "due-forgets-purged": (driver) => ({
    ...delegate(driver),
    due: async (limit, holdMs, options) => ({ ...(await driver.due(limit, holdMs, options)), purged: [] }),
  }),
  "due-never-more": (driver) => ({
    ...delegate(driver),
    due: async (limit, holdMs, options) => ({ ...(await driver.due(limit, holdMs, options)), more: false }),
  }),
};
