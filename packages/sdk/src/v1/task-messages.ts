import { RELATED_TASK_METADATA_KEY, type JsonObject, type ScopedTaskStore, type Task } from "@mcp-task-store/core";
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  isInitializeRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { isJsonObject, objectAt } from "../stored-call.ts";
import type { TaskHost } from "../task-host.ts";
import { callProblem } from "./call-problem.ts";
import type { ClientConnection } from "./client-connection.ts";
import { isRequest, type LinkFilter } from "./client-link.ts";
import { type AnswerHost, type ClientAnswer, isEndOfQuestion, storeAnswer } from "./input-answers.ts";
import type { Extra } from "./intercept-handlers.ts";
import { INVALID_PARAMS } from "../tool-error.ts";
import type { SdkTasks } from "./sdk-tasks.ts";
import { type QuestionId, readQuestionId } from "./question-id.ts";

/** What the SDK cannot be told otherwise, done to the messages of one server. */
export class TaskMessages implements LinkFilter {
  readonly #mcp: McpServer;
  readonly #host: TaskHost<AuthInfo>;
  readonly #sdkTasks: SdkTasks;
  readonly #connection: () => ClientConnection;
  readonly #whenSent = new Map<RequestId, () => void>();
  #initialize: { readonly id: RequestId; readonly authInfo: AuthInfo | undefined } | undefined;

  constructor(mcp: McpServer, host: TaskHost<AuthInfo>, sdkTasks: SdkTasks, connection: () => ClientConnection) {
    this.#mcp = mcp;
    this.#sdkTasks = sdkTasks;
    this.#host = host;
    this.#connection = connection;
  }

  /** Tells the client of a task once it knows the task: when the answer that names it is on its way. */
  followWhenSent(task: Task, view: ScopedTaskStore, { requestId, signal, _meta }: Extra): void {
    // There will be no answer, and a later request may have its id.
    if (signal.aborted) return;
    const connection = this.#connection();
    const follow = (): void => {
      forget();
      signal.removeEventListener("abort", forget);
      connection.follow(view, task, _meta?.progressToken).catch((error: unknown) => this.#host.report(error));
    };
    const forget = (): void => {
      if (this.#whenSent.get(requestId) === follow) this.#whenSent.delete(requestId);
    };
    signal.addEventListener("abort", forget);
    this.#whenSent.set(requestId, follow);
  }

  received(received: JSONRPCMessage, authInfo: AuthInfo | undefined): JSONRPCMessage | undefined {
    if (!isRequest(received)) return "method" in received || !this.#isAnswer(received, authInfo) ? received : undefined;
    const message = withoutRelatedTask(received);
    if (isInitializeRequest(message)) this.#initialize = { id: message.id, authInfo };
    else this.#sdkTasks.received(this.#connection().link, async () => await this.#host.principalOf(authInfo));
    return message.method === "tools/call" ? this.#checkedCall(message) : without(message, "task");
  }

  async sending(sent: JSONRPCMessage): Promise<JSONRPCMessage> {
    const message = this.#sdkTasks.asSent(sent);
    if (!("result" in message) || message.id !== this.#initialize?.id) return message;
    const { authInfo } = this.#initialize;
    this.#initialize = undefined;
    return (await this.#isSomebody(authInfo)) ? message : { ...message, result: withoutListing(message.result) };
  }

  async listening(authInfo: AuthInfo | undefined): Promise<void> {
    await this.#connection().link.callers.noteWhenTold(this.#host.principalOf(authInfo));
  }

  sent(message: JSONRPCMessage): void {
    if (!("method" in message) && message.id !== undefined) this.#whenSent.get(message.id)?.();
  }

  /** undefined: it is answered here, since no handler would get it. */
  #checkedCall(received: JSONRPCRequest): JSONRPCRequest | undefined {
    const call = this.#declaresToolTasks() ? received : without(received, "task");
    const problem = callProblem(call);
    if (problem === undefined) return call;
    const error = { code: INVALID_PARAMS, message: `Invalid params for tools/call: ${problem}` };
    const sent = this.#connection().link.send({ jsonrpc: "2.0", id: call.id, error });
    sent.catch((error: unknown) => this.#host.report(error));
    return undefined;
  }

  /** An answer to a question that was asked past the SDK, here or in another process. */
  #isAnswer(message: JSONRPCMessage, authInfo: AuthInfo | undefined): boolean {
    if (!("id" in message)) return false;
    const question = readQuestionId(message.id);
    if (question === undefined) {
      const passed = this.#sdkTasks.answered(message, async () => await this.#host.viewFor(authInfo));
      passed?.catch((error: unknown) => this.#host.report(error));
      return passed !== undefined;
    }
    const requestId = String(message.id);
    const asked = this.#connection().noteAnswer(requestId);
    if ("error" in message && isEndOfQuestion(message.error, asked)) return true;
    const stored = this.#store(question, answerIn(message), { requestId, authInfo });
    stored.catch((error: unknown) => this.#host.report(error));
    return true;
  }

  async #store(
    question: QuestionId,
    answer: ClientAnswer,
    { requestId, authInfo }: { readonly requestId: string; readonly authInfo: AuthInfo | undefined },
  ): Promise<void> {
    const connection = this.#connection();
    const host: AnswerHost = {
      view: async () => {
        const view = await this.#host.viewFor(authInfo);
        connection.link.callers.note(view.principal);
        return view;
      },
      answer: async (view, taskId, answers) => await this.#host.answer(view, taskId, answers),
      askAgain: async (task) => await connection.askAgain(task, question.key, requestId),
    };
    try {
      await storeAnswer(question, answer, host, connection.over);
    } catch (error) {
      // The client thinks that it answered. Where it still waits it is asked again, without a look at what is out.
      this.#host.report(error);
      if (!connection.over.aborted) await connection.repeat(question.key, requestId);
    }
  }

  /** A server may have been made with more capabilities than these. */
  #declaresToolTasks(): boolean {
    const assertDeclared: unknown = Reflect.get(this.#mcp.server, "assertTaskHandlerCapability");
    if (typeof assertDeclared !== "function") return true;
    try {
      Reflect.apply(assertDeclared, this.#mcp.server, ["tools/call"]);
      return true;
    } catch {
      return false;
    }
  }

  async #isSomebody(authInfo: AuthInfo | undefined): Promise<boolean> {
    try {
      return (await this.#host.viewFor(authInfo)).principal !== null;
    } catch {
      return false;
    }
  }
}

/** A request whose type is not declared is handled as if it had no `task`; the SDK would answer an error (S-17). */
function without(request: JSONRPCRequest, key: string): JSONRPCRequest {
  if (request.params === undefined || !(key in request.params)) return request;
  const { [key]: _, ...params } = request.params;
  return { ...request, params };
}

/** Only parameters count (S-43). The SDK would queue the answer for the named task instead of sending it. */
function withoutRelatedTask(request: JSONRPCRequest): JSONRPCRequest {
  if (request.params?._meta === undefined || !(RELATED_TASK_METADATA_KEY in request.params._meta)) return request;
  const { [RELATED_TASK_METADATA_KEY]: _, ...meta } = request.params._meta;
  return { ...request, params: { ...request.params, _meta: meta } };
}

/** @see S-72 */
function withoutListing(result: JsonObject): JsonObject {
  const capabilities = objectAt(result, "capabilities");
  const tasks = capabilities && objectAt(capabilities, "tasks");
  if (tasks === undefined) return result;
  const { list: _, ...others } = tasks;
  return { ...result, capabilities: { ...capabilities, tasks: others } };
}

function answerIn(message: JSONRPCMessage): ClientAnswer {
  if ("error" in message) return { error: message.error };
  if ("result" in message && isJsonObject(message.result)) return { result: message.result };
  return { error: { code: INVALID_PARAMS, message: "The answer has no result" } };
}
