import type { TaskRecord } from "@mcp-task-store/core";
import { isTerminal } from "@mcp-task-store/core";
import { defineMutant, type Layers, type Mutant } from "./mutant.ts";
import { changing, intercepting, rewriting, unguarded, type WriteKind } from "./over-driver.ts";
import { hang, mapTasks, overStore } from "./over-store.ts";

/** After each write of this kind something else of the row changes, too. */
function after(
  kind: WriteKind,
  change: (row: TaskRecord, before: TaskRecord | undefined) => Partial<TaskRecord> | undefined,
): Pick<Layers, "driver"> {
  return {
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, sent, send) => {
        const before = backend.rows.get(write.taskId);
        const answer = await send(write);
        const changed = sent === kind && answer.kind === "written" ? change(answer.row, before) : undefined;
        if (changed === undefined || answer.kind !== "written") return answer;
        fired();
        backend.patch(write.taskId, () => changed);
        const { request: _request, outcome: _outcome, ...shown } = changed;
        return { ...answer, row: { ...answer.row, ...shown } };
      }),
  };
}

/** Faults beside what a call is for: nobody who looks at that alone meets them. */
export const careless: readonly Mutant[] = [
  defineMutant({
    name: "ask-drops-message",
    fault: "A question takes the status message away.",
    killedBy: ["lifecycle/any-order"],
    ...after("ask", ({ statusMessage }) => (statusMessage === null ? undefined : { statusMessage: null })),
  }),
  defineMutant({
    name: "end-drops-metadata",
    fault: "The end of a task takes its metadata away.",
    killedBy: ["lifecycle/any-order"],
    mayAlso: ["finish", "cancel", "durable"],
    ...after("finish", ({ metadata }) => (metadata === null ? undefined : { metadata: null })),
  }),
  defineMutant({
    name: "null-keeps",
    fault: "A report of null leaves the metadata as it was.",
    killedBy: ["lifecycle/any-order"],
    mayAlso: ["lifecycle/shape"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async updateTask(taskId, { metadata, ...report }, options) {
            if (metadata === null) fired();
            const kept = metadata === null || metadata === undefined ? report : { ...report, metadata };
            return await inner.updateTask(taskId, kept, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "metadata-undefined",
    fault: "A task without metadata shows the key all the same.",
    killedBy: ["lifecycle/shape"],
    store: (store, { fired }) =>
      mapTasks(store, (task) => {
        if ("metadata" in task) return task;
        fired();
        return Object.assign({}, task, { metadata: undefined });
      }),
  }),
  defineMutant({
    name: "token-shown",
    fault: "Whoever reads a task sees the token of its lease.",
    killedBy: ["lifecycle/shape"],
    store: (store, { backend, fired }) =>
      mapTasks(store, (task) => {
        if (task.lease === undefined) return task;
        fired();
        return {
          ...task,
          lease: Object.assign({}, task.lease, { token: backend.rows.get(task.taskId)?.lease?.token }),
        };
      }),
  }),
  defineMutant({
    name: "updated-by-report-only",
    fault: "A question does not move lastUpdatedAt.",
    killedBy: ["lifecycle/updated-by-all"],
    mayAlso: ["clock/stamps"],
    ...after("ask", (_row, before) => before && { lastUpdatedAt: before.lastUpdatedAt }),
  }),
  defineMutant({
    name: "null-reads-outcome",
    fault: "The view of a caller without a principal reads everybody's outcomes.",
    killedBy: ["scope/every-op"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner, principal) => ({
          getOutcome(taskId, options) {
            if (principal !== null) return inner.getOutcome(taskId, options);
            fired();
            return store.getOutcome(taskId, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "ttl-slides-ask",
    fault: "A question starts the ttl again.",
    killedBy: ["ttl/restart-once"],
    driver: (driver, { fired }) => changing(driver, "ask", fired, (then) => ({ ...then, ttl: "restart" })),
  }),
  defineMutant({
    name: "finish-resurrects",
    fault: "A finish puts a task back that was deleted under it.",
    killedBy: ["ttl/deleted"],
    mayAlso: ["durable/unknown"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const before = backend.rows.get(write.taskId);
        if (kind !== "finish" || before === undefined) return send(write);
        const answer = await send(write);
        if (answer.kind !== "gone" || backend.rows.has(write.taskId)) return answer;
        fired();
        backend.rows.set(write.taskId, before);
        return send(write);
      }),
  }),
  defineMutant({
    name: "ask-revives",
    fault: "A question looks first and writes then, whatever became of the task.",
    killedBy: ["cancel/race-update"],
    mayAlso: ["durable/unknown"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        const row = backend.rows.get(write.taskId);
        if (kind !== "ask" || answer.kind !== "refused" || row?.status !== "cancelled") return answer;
        fired();
        backend.patch(write.taskId, () => ({ status: "working", outcome: null }));
        return send(write);
      }),
  }),
  defineMutant({
    name: "intent-handed-on",
    fault: "A task that is to be cancelled is handed to the next worker.",
    killedBy: ["cancel/coop-orphan"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "acquire") return write;
        fired();
        return { ...write, alternatives: write.alternatives.slice(1) };
      }),
  }),
  defineMutant({
    name: "request-dropped",
    fault: "The end of a task takes its request away.",
    killedBy: ["lifecycle/shape"],
    mayAlso: ["finish", "payload", "durable/reopen"],
    ...after("finish", (_row, before) => ((before?.request ?? null) === null ? undefined : { request: null })),
  }),
  defineMutant({
    name: "failed-with-result",
    fault: "A task of any generation may fail with a result in place of an error.",
    killedBy: ["finish/iserror"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        const [only, ...others] = write.alternatives;
        if (kind !== "finish" || others.length > 0 || only?.when.generation === undefined) return write;
        fired();
        return unguarded(write, "generation");
      }),
  }),
  defineMutant({
    name: "list-status-first",
    fault: "Of several statuses a listing looks for the first.",
    killedBy: ["list/dead-page"],
    store: (store, { fired }) =>
      overStore(store, {
        methods: (inner) => ({
          listTasks(page = {}, options) {
            const [first, ...others] = page.status ?? [];
            if (first === undefined || others.length === 0) return inner.listTasks(page, options);
            fired();
            return inner.listTasks({ ...page, status: [first] }, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "root-lists-owned",
    fault: "Trusted code does not see tasks in a listing that nobody owns.",
    killedBy: ["list/root"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async listTasks(query, options) {
            const page = await inner.listTasks(query, options);
            const tasks = page.tasks.filter(({ principal }) => principal !== null);
            if (tasks.length < page.tasks.length) fired();
            return { ...page, tasks };
          },
        }),
      }),
  }),
  defineMutant({
    name: "watch-first-scoped",
    fault: "Of the ids that a view is to watch the first is checked.",
    killedBy: ["watch/all"],
    store: (store, { fired }) =>
      overStore(store, {
        view: (inner) => ({
          async *watchTasks(taskIds, options) {
            const [first = "", ...others] = taskIds;
            if (others.length > 0 && (await inner.getTask(first)) !== undefined) {
              fired();
              yield* store.watchTasks(taskIds, options);
            } else yield* inner.watchTasks(taskIds, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "outcome-waiter-one",
    fault: "Of those who wait in a process for the outcome of a task the first is told.",
    killedBy: ["wait/many"],
    mayAlso: ["wait", "ttl"],
    store(store, { fired }) {
      const first = new Set<string>();
      return overStore(store, {
        methods: (inner) => ({
          async waitForOutcome(taskId, options) {
            const task = first.has(taskId) ? await inner.getTask(taskId) : undefined;
            if (task !== undefined && !isTerminal(task.status)) {
              fired();
              return hang(options?.signal, options?.timeoutMs);
            }
            first.add(taskId);
            return inner.waitForOutcome(taskId, options).finally(() => first.delete(taskId));
          },
        }),
      });
    },
  }),
  defineMutant({
    name: "renew-shortens",
    fault: "A renewal for a shorter time brings the end of a lease nearer.",
    killedBy: ["lease/exclusive"],
    mayAlso: ["exec/max-run", "ttl/leased-lives"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        const wish = write.alternatives[0]?.then.lease;
        if (kind !== "renew" || answer.kind !== "written" || answer.row.lease === null) return answer;
        if (typeof wish !== "object" || wish === null || !("extendMs" in wish)) return answer;
        const expiresAt = Math.floor(answer.nowUs / 1_000) + wish.extendMs;
        if (expiresAt < answer.row.lease.expiresAt) fired();
        const lease = { ...answer.row.lease, expiresAt };
        backend.patch(write.taskId, () => ({ lease, dueAt: expiresAt }));
        return { ...answer, row: { ...answer.row, lease } };
      }),
  }),
  defineMutant({
    name: "late-renew",
    fault: "A lease that ran out can be renewed as long as nobody has taken the task.",
    killedBy: ["lease/fenced"],
    mayAlso: ["exec/lost-lease", "clock/deadlines"],
    driver: (driver, { backend, fired }) =>
      intercepting(driver, async (write, kind, send) => {
        const answer = await send(write);
        const lease = backend.rows.get(write.taskId)?.lease ?? null;
        const wanted = write.alternatives[0]?.when.lease;
        if (kind !== "renew" || answer.kind !== "refused" || lease === null) return answer;
        if (typeof wanted !== "object" || !("token" in wanted) || wanted.token !== lease.token) return answer;
        fired();
        backend.patch(write.taskId, () => ({ lease: { ...lease, expiresAt: backend.nowMs() + 1_000 } }));
        return send(write);
      }),
  }),
  defineMutant({
    name: "more-unsaid",
    fault: "Maintenance that is limited never says that there is more to do.",
    killedBy: ["lease/orphan-fail"],
    mayAlso: ["ttl/maintain-race"],
    driver: (driver, { fired }) => ({
      ...driver,
      async due(limit, holdMs, options) {
        const answer = await driver.due(limit, holdMs, options);
        if (answer.more) fired();
        return { ...answer, more: false };
      },
    }),
  }),
];
