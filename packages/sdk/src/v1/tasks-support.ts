import {
  isTaskStoreError,
  type InputRequest,
  type ScopedTaskStore,
  type Task,
  type TaskStore,
} from "@mcp-task-store/core";
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import type { ServerOptions } from "@modelcontextprotocol/sdk/server/index.js";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { ServerCapabilities } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { ELICITATION, showsForms } from "../elicitation.ts";
import { SAMPLING } from "../sampling.ts";
import { Slots } from "../slots.ts";
import { type AskableClient, askableClient, isJsonObject, objectAt, UNKNOWN_CLIENT } from "../stored-call.ts";
import { TaskHost, type TaskHostOptions } from "../task-host.ts";
import { INTERNAL_ERROR } from "../tool-error.ts";
import { AskedRequests } from "./asked-requests.ts";
import { ClientConnection } from "./client-connection.ts";
import { linkClients } from "./client-link.ts";
import type { Extra } from "./intercept-handlers.ts";
import { mcpError } from "./mcp-errors.ts";
import { SdkSessions } from "./sdk-sessions.ts";
import { SdkTasks } from "./sdk-tasks.ts";
import { TaskMessages } from "./task-messages.ts";
import { serveTaskRequests } from "./task-requests.ts";
import { serveToolCalls } from "./tool-calls.ts";

export interface TasksSupportOptions extends TaskHostOptions<AuthInfo> {
  /**
   * Calls of `tasks/result` that may wait in this process; more are refused (-32603), and a client may poll
   * `tasks/get` instead. @default 1_024
   */
  readonly maxWaitingResults?: number | undefined;
  /** The same for one principal; callers without one share `maxWaitingResults`. @default 256 */
  readonly maxWaitingResultsPerPrincipal?: number | undefined;
}

const limitsSchema = z.object({
  maxWaitingResults: z.int().min(1).default(1_024),
  maxWaitingResultsPerPrincipal: z.int().min(1).default(256),
});

/**
 * Tasks of 2025-11-25 for servers of the official SDK 1.x, on a durable store. One instance serves any number of servers
 * and connections, and tasks outlive both: they belong to the caller's principal, not to its session.
 *
 * A call that asks for a task is stored before it is answered, then runs here or wherever `dispatch` sends it; any
 * process on the same store answers for it, and passes the tool's questions on to the client. Calls that ask for none
 * get the result within their request, or -32601 where the tool needs a task.
 */
export class TasksSupport implements AsyncDisposable {
  readonly #store: TaskStore;
  readonly #host: TaskHost<AuthInfo>;
  #sessions: SdkSessions | undefined;
  readonly #waits: Slots;
  readonly #over = new AbortController();
  readonly #asking = new AskedRequests();
  readonly #attached = new WeakSet<McpServer>();

  /** @throws TypeError for two tools of one name, or an option out of range */
  constructor(store: TaskStore, options: TasksSupportOptions) {
    this.#store = store;
    this.#host = new TaskHost(store, options);
    const limits = limitsSchema.safeParse(options);
    if (!limits.success) throw new TypeError(`TasksSupport: ${z.prettifyError(limits.error)}`);
    const { maxWaitingResults, maxWaitingResultsPerPrincipal } = limits.data;
    this.#waits = new Slots(maxWaitingResults, maxWaitingResultsPerPrincipal);
  }

  /**
   * Only for servers with tools that are registered with the SDK's own `registerToolTask`:
   * `new McpServer(info, tasks.serverOptions)`, then `attach`. Their tasks are stored here as well, belong to their
   * caller, and are woken and told of as those of `tools`. What they ask through the SDK by a task (`elicitInput`,
   * `createMessage`, `listRoots` with `relatedTask`) is kept with it: any process asks it, again where a client waits
   * again, and takes the answer; the SDK's timeout holds, 60 s unless they give another. What else they send by a task
   * needs a store with `capabilities.messages`: a notification reaches the client through any process; a request that is
   * no question (`ping`, or `tasks/get` of a task of the client's) only if the client waits in the tool's own process.
   * Elsewhere its answer is dropped, and the SDK's timeout tells the tool. Nobody runs such tools again when their
   * process is lost: what they asked stays open until the task's `ttl` is over.
   */
  get serverOptions(): Pick<ServerOptions, "capabilities" | "taskStore" | "taskMessageQueue"> {
    this.#sessions ??= new SdkSessions(this.#store, async () => (await this.#host.viewFor(undefined)).principal);
    const { taskStore, taskMessageQueue } = this.#sessions;
    const capabilities = { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } };
    return { capabilities, taskStore, ...(taskMessageQueue && { taskMessageQueue }) };
  }

  /**
   * Serves tasks on a server: registers the tools, the methods and the capability. Before connecting it and before its
   * first `registerTool`; a second time it does nothing.
   * @throws Error if the server is connected, has tools, or declares the capability `tools` in its options: registering
   *   a tool declares it
   */
  attach(mcp: McpServer): void {
    if (this.#attached.has(mcp)) return;
    if (mcp.isConnected()) throw new Error("Attach TasksSupport before connecting the server.");
    // Before anything is set: a server that is refused stays as it was.
    for (const method of ["tools/list", "tools/call"]) mcp.server.assertCanSetRequestHandler(method);
    let connection: ClientConnection | undefined;
    const connected = (): ClientConnection => {
      if (connection !== undefined) return connection;
      throw mcpError({ code: INTERNAL_ERROR, message: "Not connected" });
    };
    const sdkTasks = new SdkTasks(this.#store, mcp, this.#sessions);
    const viewFor = async ({ authInfo }: Extra): Promise<ScopedTaskStore> => {
      const view = await this.#host.viewFor(authInfo);
      connected().link.callers.note(view.principal);
      return view;
    };
    const messages = new TaskMessages(mcp, this.#host, sdkTasks, connected);

    mcp.server.registerCapabilities(this.#capabilities);
    serveTaskRequests(mcp, {
      viewFor,
      connection: connected,
      deliver: async (taskId, view, stream, signal) => {
        const { link } = connected();
        await sdkTasks.deliver(taskId, view, {
          isThere: () => !signal.aborted && link.carrier(stream) !== undefined,
          send: async (message) => await link.send(message, stream),
        });
      },
      whileWaiting: async (view, wait) => await this.#counted(view, wait),
    });
    serveToolCalls(mcp, {
      tools: this.#host.tools,
      viewFor,
      client: () => clientOf(mcp),
      requestClient: () => (isClientKnown(mcp) && connected().link.hasRequestStreams ? clientOf(mcp) : {}),
      bind: async (extra, request) => {
        if (extra.taskStore === undefined) return extra;
        const view = await viewFor(extra);
        const params = isJsonObject(request) ? objectAt(request, "params") : undefined;
        return sdkTasks.bind(extra, request, view, (task) => {
          // To a call that asks for none the SDK does not tell its task.
          if (params?.["task"] !== undefined) messages.followWhenSent(task, view, extra);
        });
      },
      failed: (error) => this.#host.reportBehind(error),
      created: async (task, view, extra) => {
        // A lost connection cancels nothing: the task is found again.
        const isCancelled = (): boolean => extra.signal.aborted && !connected().link.closed.aborted;
        if (!isCancelled()) {
          messages.followWhenSent(task, view, extra);
          await this.#host.start(task, "created");
        }
        if (isCancelled()) await cancelUnheardOf(task, view);
      },
    });
    linkClients(mcp, messages, (link) => {
      const mayAsk = (question: InputRequest): boolean => takesQuestion(mcp, question);
      connection = new ClientConnection(link, mayAsk, this.#asking, this.#over.signal);
    });
    this.#attached.add(mcp);
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
   * Tells running tools to stop, and gives their tasks back for others. Calls that wait for a result end with a -32603
   * whose `data.retryable` is true, and clients are told no more of their tasks. The store stays open.
   * @param options.graceMs how long tools may take to stop, ms; then their tasks go back all the same. @default 10_000
   */
  async close(options: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    this.#over.abort();
    await this.#host.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** `list` is taken out again for callers that are nobody (S-72). */
  get #capabilities(): ServerCapabilities {
    const requests = { tools: { call: {} } };
    return { tasks: { list: {}, cancel: {}, ...(this.#host.tools.size > 0 && { requests }) } };
  }

  async #counted<T>({ principal }: ScopedTaskStore, wait: () => Promise<T>): Promise<T> {
    const giveBack = this.#waits.take(principal);
    if (giveBack === undefined) {
      throw mcpError({ code: INTERNAL_ERROR, message: "Too many calls wait for results here; poll tasks/get" });
    }
    try {
      return await wait();
    } finally {
      giveBack();
    }
  }
}

/** Whether the client said on this connection what it can do: without sessions each request has one of its own. */
function isClientKnown({ server }: McpServer): boolean {
  return server.getClientCapabilities() !== undefined;
}

/** A client that takes no such question says so at once, and that would be the answer. */
function takesQuestion(mcp: McpServer, { method, params }: InputRequest): boolean {
  const { elicitation, sampling } = clientOf(mcp);
  if (method === SAMPLING) return sampling !== undefined;
  if (method !== ELICITATION) return true;
  return params?.["mode"] === "url" ? elicitation !== undefined && "url" in elicitation : showsForms(elicitation);
}

/** What the client of this connection can be asked; without sessions nobody knows, and it will say so itself. */
function clientOf({ server }: McpServer): AskableClient {
  const capabilities = server.getClientCapabilities();
  return capabilities === undefined ? UNKNOWN_CLIENT : askableClient(capabilities);
}

/** Nobody will ever learn of a task whose call was cancelled before it was answered. */
async function cancelUnheardOf({ taskId }: Task, view: ScopedTaskStore): Promise<void> {
  try {
    await view.cancelTask(taskId, { statusMessage: "The call was cancelled" });
  } catch (error) {
    if (!isTaskStoreError(error, "TASK_TERMINAL") && !isTaskStoreError(error, "TASK_NOT_FOUND")) throw error;
  }
}
