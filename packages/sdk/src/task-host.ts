import {
  isTaskStoreError,
  type JsonObject,
  type ScopedTaskStore,
  type Task,
  type TaskStore,
} from "@mcp-task-store/core";
import { inputChunks } from "./input-chunks.ts";
import { subjectOf, type TokenInfo } from "./principal.ts";
import { isOfSdkTool } from "./sdk-inputs.ts";
import { settledWithin } from "./settled-within.ts";
import type { TaskTool } from "./task-tool.ts";
import { ToolWorker } from "./task-worker.ts";
import { INTERNAL_ERROR, ToolError } from "./tool-error.ts";
import { causeBehind } from "./wire-error.ts";

/** How long an answer waits for `dispatch`. */
const LONGEST_DISPATCH_MS = 5_000;
/** A task that is given back is handed over with the next round of maintenance. */
const SOON_MS = 10;

/** Why a task needs somebody to work on it. */
export type DispatchReason = "created" | "answered" | "orphaned";

/** What servers of either SDK take. `AuthInfo` is that SDK's own type. */
export interface TaskHostOptions<AuthInfo extends TokenInfo = TokenInfo> {
  /** Tools that run as tasks. Others are registered on the server as ever. */
  readonly tools: readonly TaskTool[];
  /** Whose tasks a caller makes and reaches. @default the token's subject, `authInfo.extra.sub`; without authentication null */
  readonly principal?: ((authInfo: AuthInfo | undefined) => string | null | Promise<string | null>) | undefined;
  /**
   * Hands a task to a queue, its id is enough: a worker elsewhere calls `createTaskWorker(…).run(task.taskId)`. It may be
   * called again for the same task. The client's call waits for what it returns, though no longer than 5 s. A rejection
   * goes to `onError`; the task is stored all the same, and the store's `onOrphan` brings it back.
   * @default the task runs in this process, with lease and heartbeat
   */
  readonly dispatch?: ((task: Task, reason: DispatchReason) => unknown) | undefined;
  /** Keeps a serverless process alive for work that outlives its request: a run, or what `dispatch` does. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
  /** This process as a lease's holder, for people. @default a random one */
  readonly holder?: string | undefined;
  /** Life of a lease without a heartbeat, ms. @default the store's */
  readonly leaseMs?: number | undefined;
  /** Told of errors that no request can report: of runs, of `dispatch`. @default nothing */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** What servers of both generations do with tasks: whose they are, who works on them, who hears of errors. */
export class TaskHost<AuthInfo extends TokenInfo = TokenInfo> {
  readonly #store: TaskStore;
  readonly #options: TaskHostOptions<AuthInfo>;
  readonly #worker: ToolWorker;

  /** @throws TypeError for two tools of one name */
  constructor(store: TaskStore, options: TaskHostOptions<AuthInfo>) {
    this.#store = store;
    this.#options = options;
    const { tools, holder, leaseMs } = options;
    this.#worker = new ToolWorker(store, { tools, holder, leaseMs });
  }

  /** By name. */
  get tools(): ReadonlyMap<string, TaskTool> {
    return this.#worker.tools;
  }

  /** The store as a caller sees it. @throws ToolError as {@link principalOf} does */
  async viewFor(authInfo: AuthInfo | undefined): Promise<ScopedTaskStore> {
    return this.#store.scoped(await this.principalOf(authInfo));
  }

  /**
   * Who a caller is.
   * @throws ToolError -32603 if `principal` cannot say: a fault of the server's own, of which the caller learns no more
   *   than that there is one
   */
  async principalOf(authInfo: AuthInfo | undefined): Promise<string | null> {
    const { principal = subjectOf } = this.#options;
    try {
      const caller = await principal(authInfo);
      // Refuses what cannot be one: the client could not mend it.
      this.#store.scoped(caller);
      return caller;
    } catch (error) {
      this.report(error);
      throw new ToolError(INTERNAL_ERROR, "Internal error");
    }
  }

  /**
   * Hands a task to whoever works on it. Never rejects: the task is stored. What this process cannot begin is given back,
   * so that the store's maintenance hands it over soon, to whichever process can.
   */
  async start(task: Task, reason: DispatchReason): Promise<void> {
    const begun = this.begin(task, reason)
      .catch(async () => await this.#handBack(task.taskId))
      .catch((error: unknown) => this.report(error));
    // An answer tells of a task that is in its queue, if the queue can tell; a run here needs no waiting for.
    if (this.#options.dispatch !== undefined) await begun;
  }

  /** @throws what keeps this process from it, unless that comes later than a client can be kept waiting */
  async begin(task: Task, reason: DispatchReason): Promise<void> {
    const { dispatch } = this.#options;
    if (dispatch === undefined) {
      const starting = this.#worker.start(task.taskId);
      this.#keepAlive(starting.then(async ({ end }) => await end));
      await starting;
      return;
    }
    const dispatched = (async () => void (await dispatch(task, reason)))();
    this.#keepAlive(dispatched);
    await settledWithin(dispatched, LONGEST_DISPATCH_MS);
  }

  /**
   * Stores answers to a task's questions, as many in one write as the store takes. Whoever holds the task sees them;
   * where nobody does, and nothing is asked any more, it is handed out again. A task that is over needs none.
   */
  async answer(
    view: ScopedTaskStore,
    taskId: string,
    answers: readonly (readonly [string, JsonObject])[],
  ): Promise<void> {
    try {
      let answered: Task | undefined;
      for (const some of inputChunks(answers)) answered = await view.answerInputs(taskId, Object.fromEntries(some));
      // Who works on a task of the SDK's own has it already, without a lease.
      if (answers.some(([key]) => isOfSdkTool(key))) return;
      if (answered?.status === "working" && answered.lease === undefined) await this.start(answered, "answered");
    } catch (error) {
      if (!isTaskStoreError(error, "TASK_TERMINAL")) throw error;
    }
  }

  /** Tells what is behind an error, of which its client sees no more than the error. */
  reportBehind(error: unknown): void {
    const cause = causeBehind(error);
    if (cause !== undefined) this.report(cause);
  }

  report(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // A reporter that throws has nobody to tell.
    }
  }

  /**
   * Tells running tools to stop, and gives their tasks back for others. The store stays open.
   * @param options.graceMs how long tools may take to stop, ms; then their tasks go back all the same. @default 10_000
   */
  async close(options: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    await this.#worker.close(options);
  }

  /** Reports what the work fails with. */
  #keepAlive(work: Promise<unknown>): void {
    const { waitUntil } = this.#options;
    const reported = work.catch((error: unknown) => this.report(error));
    try {
      waitUntil?.(reported);
    } catch (error) {
      this.report(error);
    }
  }

  async #handBack(taskId: string): Promise<void> {
    const lease = await this.#store.acquireLease(taskId, { holder: "hand-over" });
    if (lease !== undefined) await this.#store.releaseLease(taskId, lease.token, { claimWithinMs: SOON_MS });
  }
}
