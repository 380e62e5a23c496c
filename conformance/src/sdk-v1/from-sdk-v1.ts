import { setTimeout } from "node:timers/promises";
import type {
  FinishOptions,
  ListTasksParams,
  QueuedMessage,
  RootCreateTaskParams,
  ScopedTaskStore,
  Task,
  TaskOutcome,
  TaskPage,
  TaskStore,
  TaskStoreCapabilities,
} from "@mcp-task-store/core";
import { isTerminal, TaskStoreError, type TaskStoreErrorCode } from "@mcp-task-store/core";
import type { SdkMessageQueue, SdkTask, SdkTaskStore } from "./sdk-interfaces.ts";

/** What the SDK's own handler says when a client cancels. */
const CANCELLED_BY_CLIENT = "Client cancelled task execution.";
const POLL_MS = 2;
/** The last instant of a Date. */
const MAX_DATE_MS = 8.64e15;

/** Which session made a task: trusted code of the kit reaches every task, and the SDK's interface knows no such caller. */
export type SdkOwners = Map<string, string | undefined>;

/** The session of tasks that trusted code makes for nobody. A store may show tasks without a session to every session. */
const KIT_SESSION = "the kit's own";
/** What the SDK's message types ask for, and the kit's messages do not have. */
const JSONRPC = { jsonrpc: "2.0" };

/**
 * A store of the SDK 1.x as a `TaskStore`, as far as its interface can express one: principals are its sessions, a cancel
 * goes as the SDK's own handler does it (look, check, write), and waiting is polling. Everything else rejects with
 * NOT_SUPPORTED. Refusals are named by a look at the task afterwards, since the interface has no codes.
 * @param owners shared by all stores on the same tasks
 */
export function fromSdkV1(store: SdkTaskStore, queue?: SdkMessageQueue, owners: SdkOwners = new Map()): TaskStore {
  const root = new Adapter(store, queue, owners);
  return root.asStore();
}

class Adapter {
  readonly #store: SdkTaskStore;
  readonly #queue: SdkMessageQueue | undefined;
  readonly #owners: SdkOwners;
  #requests = 0;

  constructor(store: SdkTaskStore, queue: SdkMessageQueue | undefined, owners: SdkOwners) {
    this.#store = store;
    this.#queue = queue;
    this.#owners = owners;
  }

  asStore(): TaskStore {
    const capabilities: TaskStoreCapabilities = {
      durable: false,
      multiProcess: false,
      pushHints: false,
      messages: this.#queue !== undefined,
      listing: true,
      maxPayloadBytes: 1_000_000,
      minTtlMs: 1,
      minLeaseMs: 1,
      safetyPollMs: POLL_MS,
      maintainEveryMs: 0,
      graceMs: 0,
    };
    const owner = (taskId: string): string | undefined => this.#owners.get(taskId);
    const methods = this.#methods(owner);
    const store: TaskStore = {
      ...methods,
      capabilities,
      createTask: (params = {}) => this.#create(params, params.principal ?? KIT_SESSION),
      scoped: (principal) => this.#scoped(principal),
      updateTask: async (taskId, change) => {
        const { statusMessage, ...rest } = change;
        if (typeof statusMessage !== "string" || Object.keys(rest).length > 0) throw notSupported();
        const task = await this.#openTask(taskId, owner(taskId));
        return this.#written(taskId, owner(taskId), () =>
          this.#store.updateTaskStatus(taskId, task.status, statusMessage, owner(taskId)),
        );
      },
      finishTask: (taskId, outcome, options) => this.#finish(taskId, outcome, owner(taskId), options),
      requestInputs: unsupported,
      acquireLease: unsupported,
      renewLease: unsupported,
      releaseLease: unsupported,
      messages: {
        push: async (taskId, message, { maxSize }) => this.#push(taskId, message, owner(taskId), maxSize),
        shift: async (taskId) => asMessage(await this.#messages().dequeue(taskId, owner(taskId))),
        drain: async (taskId) =>
          (await this.#messages().dequeueAll(taskId, owner(taskId))).flatMap((one) => asMessage(one) ?? []),
      },
      setup: async () => undefined,
      maintain: async () => ({ purged: 0, failed: 0, released: 0, cancelled: 0, announced: 0, more: false }),
      close: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
    return store;
  }

  #scoped(principal: string | null): ScopedTaskStore {
    const session = principal ?? undefined;
    return { ...this.#methods(() => session), principal, createTask: (params = {}) => this.#create(params, session) };
  }

  #methods(
    sessionOf: (taskId: string) => string | undefined,
  ): Omit<ScopedTaskStore, "principal" | "createTask"> & { listTasks: ScopedTaskStore["listTasks"] } {
    return {
      getTask: async (taskId, options) => {
        const task = await this.#get(taskId, sessionOf(taskId));
        if (task === undefined || options?.outcome !== true || !isTerminal(task.status)) return task;
        return { ...task, outcome: await this.#outcome(task, sessionOf(taskId)) };
      },
      getOutcome: async (taskId) => {
        const task = await this.#found(taskId, sessionOf(taskId));
        return isTerminal(task.status) ? this.#outcome(task, sessionOf(taskId)) : undefined;
      },
      listTasks: (page) => this.#list(page, sessionOf("")),
      cancelTask: async (taskId, options) => {
        const session = sessionOf(taskId);
        await this.#openTask(taskId, session);
        const message = options?.statusMessage ?? CANCELLED_BY_CLIENT;
        return this.#written(taskId, session, () =>
          this.#store.updateTaskStatus(taskId, "cancelled", message, session),
        );
      },
      requestCancellation: unsupported,
      answerInputs: unsupported,
      deleteTask: unsupported,
      waitForUpdate: async (taskId, { since, timeoutMs, signal }) =>
        this.#until(
          taskId,
          sessionOf(taskId),
          timeoutMs,
          signal,
          (task) => task.revision !== since || isTerminal(task.status),
        ),
      waitForOutcome: async (taskId, { timeoutMs, signal } = {}) => {
        const session = sessionOf(taskId);
        const task = await this.#until(taskId, session, timeoutMs, signal, ({ status }) => isTerminal(status));
        return task && this.#outcome(task, session);
      },
      watchTasks: () => ({ [Symbol.asyncIterator]: () => ({ next: unsupported }) }),
    };
  }

  async #create(params: RootCreateTaskParams, session: string | undefined): Promise<Task> {
    const { taskId, idempotencyKey, metadata, statusMessage, ttlMs, pollIntervalMs, request } = params;
    if (taskId !== undefined || idempotencyKey !== undefined || metadata !== undefined) throw notSupported();
    this.#requests += 1;
    const { method = "tools/call", params: given } = request ?? {};
    const task = await this.#store.createTask(
      {
        ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
        ...(pollIntervalMs === undefined ? {} : { pollInterval: pollIntervalMs }),
      },
      this.#requests,
      { method, ...(given === undefined ? {} : { params: { ...given } }) },
      session,
    );
    this.#owners.set(task.taskId, session);
    if (statusMessage === undefined) return asTask(task, session);
    await this.#store.updateTaskStatus(task.taskId, "working", statusMessage, session);
    return this.#found(task.taskId, session);
  }

  async #get(taskId: string, session: string | undefined): Promise<Task | undefined> {
    const task = await this.#store.getTask(taskId, session);
    return task === null ? undefined : asTask(task, session);
  }

  async #found(taskId: string, session: string | undefined): Promise<Task> {
    const task = await this.#get(taskId, session);
    if (task === undefined) throw new TaskStoreError("TASK_NOT_FOUND", `Task not found: ${taskId}`);
    return task;
  }

  async #openTask(taskId: string, session: string | undefined): Promise<Task> {
    const task = await this.#found(taskId, session);
    if (isTerminal(task.status)) throw ended(task);
    return task;
  }

  /** Carries out a write, and names a refusal by what the task is like then. */
  async #written(taskId: string, session: string | undefined, write: () => Promise<void>): Promise<Task> {
    try {
      await write();
    } catch (error) {
      await this.#openTask(taskId, session);
      throw named(error, "INVALID_ARGUMENT");
    }
    return this.#found(taskId, session);
  }

  async #finish(
    taskId: string,
    outcome: TaskOutcome,
    session: string | undefined,
    { statusMessage }: FinishOptions = {},
  ): Promise<Task> {
    const task = await this.#written(taskId, session, () => {
      if ("result" in outcome) return this.#store.storeTaskResult(taskId, outcome.status, outcome.result, session);
      const message = statusMessage ?? ("error" in outcome ? outcome.error.message : undefined);
      return this.#store.updateTaskStatus(taskId, outcome.status, message, session);
    });
    if (statusMessage !== undefined && "result" in outcome) throw notSupported();
    return task;
  }

  async #outcome(task: Task, session: string | undefined): Promise<TaskOutcome> {
    if (task.status === "cancelled") return { status: "cancelled" };
    const status = task.status === "failed" ? "failed" : "completed";
    try {
      const result = await this.#store.getTaskResult(task.taskId, session);
      return status === "failed" ? { status, result } : { status, result };
    } catch (error) {
      if (status === "completed") throw named(error, "TASK_NOT_FOUND");
      const code = typeof error === "object" && error !== null && "code" in error ? Number(error.code) : -32_603;
      return { status, error: { code, message: task.statusMessage ?? "" } };
    }
  }

  async #list({ cursor }: ListTasksParams = {}, session: string | undefined): Promise<TaskPage> {
    try {
      const { tasks, nextCursor } = await this.#store.listTasks(cursor, session);
      const page = { tasks: tasks.map((task) => asTask(task, session)) };
      return nextCursor === undefined ? page : { ...page, nextCursor };
    } catch (error) {
      throw named(error, cursor === undefined ? "NOT_SUPPORTED" : "INVALID_CURSOR");
    }
  }

  async #push(
    taskId: string,
    message: QueuedMessage,
    session: string | undefined,
    maxSize: number | undefined,
  ): Promise<void> {
    const queue = this.#messages();
    try {
      await queue.enqueue(taskId, { ...message, message: { ...JSONRPC, ...message.message } }, session, maxSize);
    } catch (error) {
      const task = await this.#found(taskId, session);
      if (isTerminal(task.status)) throw ended(task);
      throw named(error, maxSize === undefined ? "INVALID_ARGUMENT" : "QUEUE_FULL");
    }
  }

  #messages(): SdkMessageQueue {
    if (this.#queue === undefined) throw notSupported();
    return this.#queue;
  }

  async #until(
    taskId: string,
    session: string | undefined,
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
    condition: (task: Task) => boolean,
  ): Promise<Task | undefined> {
    const until = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
    for (;;) {
      const task = await this.#found(taskId, session);
      if (condition(task)) return task;
      if (performance.now() >= until) return undefined;
      if (signal?.aborted === true) throw new TaskStoreError("ABORTED", "The wait was given up.");
      await setTimeout(POLL_MS);
    }
  }
}

async function unsupported(): Promise<never> {
  throw notSupported();
}

function notSupported(): TaskStoreError {
  return new TaskStoreError("NOT_SUPPORTED", "The interface of the SDK 1.x cannot express this.");
}

function ended(task: Task): TaskStoreError {
  return new TaskStoreError("TASK_TERMINAL", `The task is ${task.status}.`, { task });
}

/** An error of the store under the code that it amounts to; what it really was is its cause. */
function named(cause: unknown, code: TaskStoreErrorCode): TaskStoreError {
  return new TaskStoreError(code, cause instanceof Error ? cause.message : String(cause), { cause });
}

function asTask(task: SdkTask, session: string | undefined): Task {
  const { taskId, status, statusMessage, createdAt, lastUpdatedAt, ttl, pollInterval } = task;
  return {
    taskId,
    principal: session ?? null,
    generation: "2025-11-25",
    revision: fingerprint([taskId, status, statusMessage, createdAt, lastUpdatedAt, ttl, pollInterval]),
    status,
    ...(statusMessage === undefined ? {} : { statusMessage }),
    createdAt,
    lastUpdatedAt,
    ttlMs: ttl,
    pollIntervalMs: pollInterval ?? 0,
    expiresAt: expiryOf(task),
    attempts: 0,
    inputs: {},
  };
}

/** As far as the interface tells: the ttl counts from the creation, and once more from the end. */
function expiryOf({ status, createdAt, lastUpdatedAt, ttl }: SdkTask): string | null {
  const startMs = Date.parse(isTerminal(status) ? lastUpdatedAt : createdAt);
  const endMs = ttl === null ? Number.NaN : startMs + ttl;
  return Math.abs(endMs) <= MAX_DATE_MS ? new Date(endMs).toISOString() : null;
}

/** Another number for another task: the interface has no revisions. FNV-1a over the visible fields. */
function fingerprint(fields: readonly unknown[]): number {
  let hash = 0x811c9dc5;
  for (const char of JSON.stringify(fields)) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

function asMessage(queued: QueuedMessage | undefined): QueuedMessage | undefined {
  if (queued === undefined) return undefined;
  const { jsonrpc: _jsonrpc, ...message } = queued.message;
  return { ...queued, message };
}
