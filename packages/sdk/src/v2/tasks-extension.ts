import type { ScopedTaskStore, Task, TaskStore } from "@mcp-task-store/core";
import {
  type AuthInfo,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
  type Transport,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import type { TaskTool } from "../task-tool.ts";
import { ToolWorker, toolsByName } from "../task-worker.ts";
import { cleanTaskResults } from "./clean-task-results.ts";
import { detailedTask } from "./detailed-task.ts";
import type { McpFetch } from "./listen-http.ts";
import { type PrincipalOf, subjectOf } from "./principal.ts";
import type { RequestStateSeal } from "./request-state.ts";
import { serveTaskRequests } from "./task-requests.ts";
import { TaskSubscriptions } from "./task-subscriptions.ts";
import { TASKS_EXTENSION_ID } from "./tasks-capability.ts";
import { serveToolCalls } from "./tool-calls.ts";
import { settledWithin } from "./settled-within.ts";

/** Why a task needs somebody to work on it. */
export type DispatchReason = "created" | "answered" | "orphaned";

export interface TasksExtensionOptions {
  /** Tools that run as tasks. Others are registered on the server as ever. */
  readonly tools: readonly TaskTool[];
  /** Whose tasks a caller makes and reaches. @default the token's subject, `authInfo.extra.sub`; without authentication null */
  readonly principal?: PrincipalOf | undefined;
  /**
   * Hands a task to a queue, its id is enough: a worker elsewhere calls `createTaskWorker(…).run(task.taskId)`. It may be
   * called again for the same task. The client's call waits for what it returns, though no longer than 5 s. A rejection
   * goes to `onError`; the task is stored all the same, and the store's `onOrphan` brings it back.
   * @default the task runs in this process, with lease and heartbeat
   */
  readonly dispatch?: ((task: Task, reason: DispatchReason) => unknown) | undefined;
  /** Keeps a serverless process alive for work that outlives its request: a run, or what `dispatch` does. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
  /**
   * Seals the state between rounds of questions: `createRequestStateCodec` of the SDK. Give it exactly when the server has
   * `requestState: { verify }`, of the same codec: a server that verifies refuses what was not sealed.
   * @default none, not sealed: it holds nothing but the client's own answers
   */
  readonly requestState?: RequestStateSeal | undefined;
  /** This process as a lease's holder, for people. @default a random one */
  readonly holder?: string | undefined;
  /** Life of a lease without a heartbeat, ms. @default the store's */
  readonly leaseMs?: number | undefined;
  /** Streams of `subscriptions/listen` with tasks that may be open at once; more are refused. @default 1_024 */
  readonly maxSubscriptions?: number | undefined;
  /** The same for one principal; callers without one share `maxSubscriptions`. @default 64 */
  readonly maxSubscriptionsPerPrincipal?: number | undefined;
  /** Ids in one `subscriptions/listen`. @default 256 */
  readonly maxTasksPerSubscription?: number | undefined;
  /** Silence on an HTTP stream after which a comment is sent, ms; 0: none. @default 15_000 */
  readonly keepAliveMs?: number | undefined;
  /** Told of errors that no request can report: of runs, of `dispatch`. @default nothing */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** How long an answer waits for `dispatch`. */
const LONGEST_DISPATCH_MS = 5_000;
/** A task that is given back is handed over with the next round of maintenance. */
const SOON_MS = 10;

const limitsSchema = z.object({
  maxSubscriptions: z.int().min(1).default(1_024),
  maxSubscriptionsPerPrincipal: z.int().min(1).default(64),
  maxTasksPerSubscription: z.int().min(1).max(10_000).default(256),
  keepAliveMs: z.int().min(0).max(3_600_000).default(15_000),
});

/**
 * The extension `io.modelcontextprotocol/tasks` (2026-07-28) for servers of the official SDK 2.x, on a durable store.
 * One instance serves any number of servers and connections.
 *
 * A call of a task tool by a client that declares the extension is stored before it is answered, then runs here or
 * wherever `dispatch` sends it; any process on the same store answers for it. Other clients get the result within their
 * request, or -32021 where the tool needs a task. Clients of 2025-11-25 see nothing of it.
 */
export class TasksExtension implements AsyncDisposable {
  readonly #store: TaskStore;
  readonly #options: TasksExtensionOptions;
  readonly #tools: ReadonlyMap<string, TaskTool>;
  readonly #worker: ToolWorker;
  readonly #subscriptions: TaskSubscriptions;
  readonly #attached = new WeakSet<McpServer>();

  /** @throws TypeError for two tools of one name, and for limits out of range; it names them */
  constructor(store: TaskStore, options: TasksExtensionOptions) {
    this.#store = store;
    this.#options = options;
    this.#tools = toolsByName(options.tools);
    const { tools, holder, leaseMs } = options;
    this.#worker = new ToolWorker(store, { tools, holder, leaseMs });
    const limits = limitsSchema.safeParse(options);
    if (!limits.success) throw new TypeError(`TasksExtension: ${z.prettifyError(limits.error)}`);
    this.#subscriptions = new TaskSubscriptions({
      ...limits.data,
      store,
      principal: async (authInfo) => await this.#principalOf(authInfo),
      toWire: detailedTask,
      onError: (error) => this.#report(error),
    });
  }

  /**
   * Serves tasks on a server: registers the tools, the methods and the capability. Before connecting it and before its
   * first `registerTool`; a second time it does nothing.
   * @param context what the SDK gives its factory; on the legacy era the capability is not declared
   * @throws Error if the server is connected or has tools or a handler for one of the methods
   */
  attach(mcp: McpServer, context?: { readonly era: "modern" | "legacy" }): void {
    if (this.#attached.has(mcp)) return;
    if (mcp.isConnected()) throw new Error("Attach the tasks extension before connecting the server.");
    // Before anything is set: a server that is refused stays as it was.
    for (const method of ["tools/list", "tools/call"]) mcp.server.assertCanSetRequestHandler(method);
    const viewFor = async (context: ServerContext): Promise<ScopedTaskStore> =>
      await this.#viewFor(context.http?.authInfo);
    serveTaskRequests(mcp, { viewFor, answered: async (task) => await this.#start(task, "answered") });
    serveToolCalls(mcp, {
      tools: this.#tools,
      requestState: this.#options.requestState,
      viewFor,
      onError: (error) => this.#report(error),
      created: async (task) => await this.#start(task, "created"),
    });
    cleanTaskResults(mcp);
    if (context?.era !== "legacy") mcp.server.registerCapabilities({ extensions: { [TASKS_EXTENSION_ID]: {} } });
    this.#attached.add(mcp);
  }

  /**
   * `fetch` of `createMcpHandler` with `taskIds` on `subscriptions/listen`; all other requests pass. Hand the result to
   * whatever serves HTTP. @see X-43 … X-47
   */
  wrapFetch(fetch: McpFetch): McpFetch {
    return this.#subscriptions.wrapFetch(fetch);
  }

  /** The same for `serveStdio(factory, { transport })`. */
  wrapTransport(transport: Transport): Transport {
    return this.#subscriptions.wrapTransport(transport);
  }

  /**
   * For the store's option `onOrphan`: takes up a task whose worker was lost, or that nobody claimed. Resolves once it
   * runs here, or `dispatch` has it.
   * @throws Error when this process cannot take it up: it lacks the tool, is closed, or `dispatch` failed. The store
   *   then hands it over again, here or elsewhere
   */
  async orphaned(task: Task): Promise<void> {
    await this.#begin(task, "orphaned");
  }

  /**
   * Ends the streams, tells running tools to stop, and gives their tasks back for others. The store stays open.
   * @param options.graceMs how long tools may take to stop, ms; then their tasks go back all the same. @default 10_000
   */
  async close(options: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    this.#subscriptions.close();
    await this.#worker.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #viewFor(authInfo: AuthInfo | undefined): Promise<ScopedTaskStore> {
    return this.#store.scoped(await this.#principalOf(authInfo));
  }

  /** @throws ProtocolError -32603 for a fault of the server's own: whoever called learns that there is one */
  async #principalOf(authInfo: AuthInfo | undefined): Promise<string | null> {
    const { principal = subjectOf } = this.#options;
    try {
      const caller = await principal(authInfo);
      // Refuses what cannot be one: the client could not mend it.
      this.#store.scoped(caller);
      return caller;
    } catch (error) {
      this.#report(error);
      throw new ProtocolError(ProtocolErrorCode.InternalError, "Internal error");
    }
  }

  /**
   * Never rejects: the task is stored. What this process cannot begin is given back, so that the store's maintenance
   * hands it over soon, to whichever process can.
   */
  async #start(task: Task, reason: DispatchReason): Promise<void> {
    const begun = this.#begin(task, reason)
      .catch(async () => await this.#handBack(task.taskId))
      .catch((error: unknown) => this.#report(error));
    // An answer tells of a task that is in its queue, if the queue can tell; a run here needs no waiting for.
    if (this.#options.dispatch !== undefined) await begun;
  }

  /** @throws what keeps this process from it, unless that comes later than a client can be kept waiting */
  async #begin(task: Task, reason: DispatchReason): Promise<void> {
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

  /** Reports what the work fails with. */
  #keepAlive(work: Promise<unknown>): void {
    const { waitUntil } = this.#options;
    const reported = work.catch((error: unknown) => this.#report(error));
    try {
      waitUntil?.(reported);
    } catch (error) {
      this.#report(error);
    }
  }

  async #handBack(taskId: string): Promise<void> {
    const lease = await this.#store.acquireLease(taskId, { holder: "hand-over" });
    if (lease !== undefined) await this.#store.releaseLease(taskId, lease.token, { claimWithinMs: SOON_MS });
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // A reporter that throws has nobody to tell.
    }
  }
}
