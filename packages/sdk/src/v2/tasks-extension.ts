import type { ScopedTaskStore, Task, TaskStore } from "@mcp-task-store/core";
import type { AuthInfo, McpServer, ServerContext, Transport } from "@modelcontextprotocol/server";
import { z } from "zod";
import { TaskHost, type TaskHostOptions } from "../task-host.ts";
import { cleanTaskResults } from "./clean-task-results.ts";
import { detailedTask } from "./detailed-task.ts";
import type { McpFetch } from "./listen-http.ts";
import type { RequestStateSeal } from "./request-state.ts";
import { serveTaskRequests } from "./task-requests.ts";
import { TaskSubscriptions } from "./task-subscriptions.ts";
import { TASKS_EXTENSION_ID } from "./tasks-capability.ts";
import { serveToolCalls } from "./tool-calls.ts";

export interface TasksExtensionOptions extends TaskHostOptions<AuthInfo> {
  /**
   * Seals the state between rounds of questions: `createRequestStateCodec` of the SDK. Give it exactly when the server has
   * `requestState: { verify }`, of the same codec: a server that verifies refuses what was not sealed.
   * @default none, not sealed: it holds nothing but the client's own answers
   */
  readonly requestState?: RequestStateSeal | undefined;
  /** Streams of `subscriptions/listen` with tasks that may be open at once; more are refused. @default 1_024 */
  readonly maxSubscriptions?: number | undefined;
  /** The same for one principal; callers without one share `maxSubscriptions`. @default 64 */
  readonly maxSubscriptionsPerPrincipal?: number | undefined;
  /** Ids in one `subscriptions/listen`. @default 256 */
  readonly maxTasksPerSubscription?: number | undefined;
  /** Silence on an HTTP stream after which a comment is sent, ms; 0: none. @default 15_000 */
  readonly keepAliveMs?: number | undefined;
}

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
  readonly #host: TaskHost<AuthInfo>;
  readonly #options: TasksExtensionOptions;
  readonly #subscriptions: TaskSubscriptions;
  readonly #attached = new WeakSet<McpServer>();

  /** @throws TypeError for two tools of one name, and for limits out of range; it names them */
  constructor(store: TaskStore, options: TasksExtensionOptions) {
    this.#host = new TaskHost(store, options);
    this.#options = options;
    const limits = limitsSchema.safeParse(options);
    if (!limits.success) throw new TypeError(`TasksExtension: ${z.prettifyError(limits.error)}`);
    this.#subscriptions = new TaskSubscriptions({
      ...limits.data,
      store,
      principal: async (authInfo) => await this.#host.principalOf(authInfo),
      toWire: detailedTask,
      onError: (error) => this.#host.report(error),
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
      await this.#host.viewFor(context.http?.authInfo);
    serveTaskRequests(mcp, {
      viewFor,
      answer: async (view, taskId, answers) => await this.#host.answer(view, taskId, answers),
    });
    serveToolCalls(mcp, {
      tools: this.#host.tools,
      requestState: this.#options.requestState,
      viewFor,
      failed: (error) => this.#host.reportBehind(error),
      created: async (task) => await this.#host.start(task, "created"),
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
    await this.#host.begin(task, "orphaned");
  }

  /**
   * Ends the streams, tells running tools to stop, and gives their tasks back for others. The store stays open.
   * @param options.graceMs how long tools may take to stop, ms; then their tasks go back all the same. @default 10_000
   */
  async close(options: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    this.#subscriptions.close();
    await this.#host.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
