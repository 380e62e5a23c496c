import { changeSchema, check, integer, principalSchema, revisionSchema, statusMessageSchema } from "./arguments.ts";
import type { Fence, ReportChange } from "./commands.ts";
import { createRootTask, createScopedTask, grantedTtl } from "./create-task.ts";
import { closedError } from "./call.ts";
import { toJsonText } from "./json-text.ts";
import { leaseOperations } from "./lease-operations.ts";
import { messageOperations } from "./message-operations.ts";
import type { TaskStoreOptions } from "./options.ts";
import { encodeOutcome } from "./outcome-encoding.ts";
import { rowOrThrow } from "./refusal-error.ts";
import { checkCall, checkOptions, inputTexts, requestOperations } from "./request-operations.ts";
import { MIN_LEASE_MS, MIN_TTL_MS, type ResolvedOptions } from "./resolve-options.ts";
import { settledWithin } from "./settled-within.ts";
import { createStoreCore, type StoreCore } from "./store-core.ts";
import type { TaskDriver } from "./task-driver.ts";
import type { ScopedTaskStore, TaskChange, TaskStore, WriteOptions } from "./task-store.ts";
import { taskView } from "./task-view.ts";

const SETUP_TIMEOUT_MS = 60_000;
const CLOSE_GRACE_MS = 5_000;
/** What closing connections may take even without any grace for calls. */
const MIN_CLOSE_MS = 1_000;
const graceSchema = integer(0, 3_600_000);
const limitSchema = integer(1, 10_000);

/**
 * A task store over a driver. This is what every adapter calls, and all that an author of a new backend needs besides
 * the driver. Nothing is connected before the first call, apart from the maintenance timer, which keeps no process
 * alive.
 * @throws TaskStoreError INVALID_ARGUMENT naming an option and its limit
 */
export function createTaskStore(driver: TaskDriver, options: TaskStoreOptions = {}): TaskStore {
  const core = createStoreCore(driver, options);
  const { calls, engine, hub, maintenance, publisher, options: settings } = core;
  let closing: Promise<void> | undefined;

  const close = async (graceMs: number): Promise<void> => {
    const work = calls.close(graceMs);
    await Promise.all([work, hub.close(graceMs), maintenance.stop(graceMs)]);
    await settledWithin(publisher.flush(), graceMs);
    // A driver that hangs is left behind: the process may be about to end.
    await settledWithin(driver.close(), Math.max(graceMs, MIN_CLOSE_MS));
  };

  const store: TaskStore = {
    ...requestOperations(core, undefined),
    ...leaseOperations(core),
    capabilities: Object.freeze({
      ...driver.capabilities,
      maxPayloadBytes: settings.maxPayloadBytes,
      minTtlMs: MIN_TTL_MS,
      minLeaseMs: MIN_LEASE_MS,
      safetyPollMs: settings.safetyPollMs,
      maintainEveryMs: settings.maintainEveryMs,
      graceMs: settings.graceMs,
    }),
    messages: messageOperations(core),

    scoped: (principal) => scopedView(core, principal),

    async createTask(params = {}, callOptions = {}) {
      return await createRootTask(core, params, callOptions);
    },

    async updateTask(taskId, change, writeOptions = {}) {
      const fence = fenceOf(taskId, writeOptions);
      const command = { type: "report", fence, change: reportChange(change, settings) } as const;
      return taskView(rowOrThrow(taskId, await engine.run(taskId, undefined, command, writeOptions)));
    },

    async finishTask(taskId, outcome, finishOptions = {}) {
      const fence = fenceOf(taskId, finishOptions);
      const { statusMessage } = finishOptions;
      if (statusMessage !== undefined) check(statusMessageSchema, statusMessage, "options.statusMessage");
      const command = {
        type: "finish",
        fence,
        outcome: encodeOutcome(outcome, settings.maxPayloadBytes),
        ...(statusMessage === undefined ? {} : { statusMessage }),
      } as const;
      return taskView(rowOrThrow(taskId, await engine.run(taskId, undefined, command, finishOptions)));
    },

    async requestInputs(taskId, inputs, writeOptions = {}) {
      const fence = fenceOf(taskId, writeOptions);
      const command = { type: "ask", fence, inputs: inputTexts(inputs, "inputs", settings.maxPayloadBytes) } as const;
      return taskView(rowOrThrow(taskId, await engine.run(taskId, undefined, command, writeOptions)));
    },

    async setup(callOptions = {}) {
      checkOptions(callOptions);
      const { signal, timeoutMs = SETUP_TIMEOUT_MS } = callOptions;
      await engine.setup({ signal, timeoutMs });
    },

    async maintain(maintainOptions = {}) {
      checkOptions(maintainOptions);
      const { limit } = maintainOptions;
      if (limit !== undefined) check(limitSchema, limit, "options.limit");
      if (closing !== undefined) throw closedError();
      return await maintenance.run(limit, maintainOptions);
    },

    async close({ graceMs = CLOSE_GRACE_MS } = {}) {
      check(graceSchema, graceMs, "options.graceMs");
      closing ??= close(graceMs);
      await closing;
    },

    async [Symbol.asyncDispose]() {
      await store.close();
    },
  };
  maintenance.start();
  return Object.freeze(store);
}

/** Only the interface, on an object without a prototype: nothing of the root can be reached from a view. */
function scopedView(core: StoreCore, principal: string | null): ScopedTaskStore {
  if (principal !== null) check(principalSchema, principal, "principal");
  const view: ScopedTaskStore = {
    ...requestOperations(core, principal),
    principal,
    async createTask(params = {}, options = {}) {
      return await createScopedTask(core, principal, params, options);
    },
  };
  return Object.freeze(Object.setPrototypeOf(view, null));
}

function fenceOf(taskId: string, options: WriteOptions): Fence {
  checkCall(taskId, options);
  if (options.force === true) return "force";
  if (options.lease === undefined) return "unleased";
  return { token: check(revisionSchema, options.lease, "options.lease") };
}

function reportChange(change: TaskChange, { maxPayloadBytes, maxTtlMs }: ResolvedOptions): ReportChange {
  const { metadata, ttlMs, ...rest } = check(changeSchema, change, "change");
  const defined = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return {
    ...defined,
    ...(ttlMs === undefined ? {} : { ttlMs: grantedTtl(ttlMs, maxTtlMs) }),
    ...(metadata === undefined
      ? {}
      : { metadata: metadata === null ? null : toJsonText(metadata, "change.metadata", maxPayloadBytes) }),
  };
}
