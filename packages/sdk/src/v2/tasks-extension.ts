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
import { createTaskWorker, type TaskWorker, toolsByName } from "../task-worker.ts";
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
   * called again for the same task. An answer waits for it, though no longer than 5 s. A rejection goes to `onError`; the task is stored all the same, and the store's
   * `onOrphan` brings it back. @default the task runs in this process, with lease and heartbeat
   */
  readonly dispatch?: ((task: Task, reason: DispatchReason) => void | Promise<void>) | undefined;
  /** Keeps a serverless process alive for work that outlives its request: a run, or what `dispatch` does. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
  /** Seals the state between rounds of questions; give the server `requestState: { verify }` of the same. @default none, not sealed: it holds nothing but the client's own answers */
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
  readonly #worker: TaskWorker;
  readonly #subscriptions: TaskSubscriptions;
  readonly #attached = new WeakSet<McpServer>();

  /** @throws TypeError for two tools of one name, and for limits out of range; it names them */
  constructor(store: TaskStore, options: TasksExtensionOptions) {
    this.#store = store;
    this.#options = options;
    this.#tools = toolsByName(options.tools);
    const { tools, holder, leaseMs } = options;
    this.#worker = createTaskWorker(store, { tools, holder, leaseMs });
    const limits = limitsSchema.safeParse(options);
    if (!limits.success) throw new TypeError(`TasksExtension: ${z.prettifyError(limits.error)}`);
    this.#subscriptions = new TaskSubscriptions({
      ...limits.data,
      store,
      principal: options.principal ?? subjectOf,
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
    const viewFor = async (context: ServerContext): Promise<ScopedTaskStore> =>
      await this.#viewFor(context.http?.authInfo);
    serveTaskRequests(mcp, { viewFor, answered: async (task) => await this.#start(task, "answered") });
    serveToolCalls(mcp, {
      tools: this.#tools,
      requestState: this.#options.requestState,
      viewFor,
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

  /** For the store's option `onOrphan`: takes up a task whose worker was lost, or that nobody claimed. */
  async orphaned(task: Task): Promise<void> {
    await this.#start(task, "orphaned");
  }

  /** Ends the streams, tells running tools to stop, and gives their tasks back for others. The store stays open. */
  async close(): Promise<void> {
    this.#subscriptions.close();
    await this.#worker.close();
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

  /** Never rejects: the task is stored, and what goes wrong here is mended by the store's maintenance. */
  async #start(task: Task, reason: DispatchReason): Promise<void> {
    const { dispatch, waitUntil } = this.#options;
    const start = async (): Promise<unknown> =>
      dispatch === undefined ? await this.#worker.run(task.taskId) : await dispatch(task, reason);
    const started = start().catch((error: unknown) => this.#report(error));
    try {
      waitUntil?.(started);
    } catch (error) {
      this.#report(error);
    }
    // An answer tells of a task that is in its queue, if the queue can tell; one that hangs keeps no client waiting.
    if (dispatch !== undefined) await settledWithin(started, LONGEST_DISPATCH_MS);
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // A reporter that throws has nobody to tell.
    }
  }
}
