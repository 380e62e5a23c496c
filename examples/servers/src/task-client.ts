/**
 * The official client, with tasks. By itself it refuses a result of type "task", and does not send `tasks/get` and
 * `tasks/cancel` on 2026-07-28. So this sees what comes in before the client does, and sends these requests itself.
 * (The package @modelcontextprotocol/ext-tasks does far more of this.)
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  type CallToolResult,
  Client,
  type ClientCapabilities,
  type JSONRPCMessage,
  ProtocolError,
  type SubscriptionFilter,
  type Transport,
} from "@modelcontextprotocol/client";
import { z } from "zod";

const EXTENSION = "io.modelcontextprotocol/tasks";
const VERSION = "2026-07-28";
const CLIENT_INFO = { name: "example-client", version: "1.0.0" };
const REQUEST_MS = 60_000;

/** A task as a server shows it, as far as these examples look. */
export interface ClientTask {
  readonly taskId: string;
  readonly status: "working" | "input_required" | "completed" | "failed" | "cancelled";
  readonly statusMessage?: string | undefined;
  readonly pollIntervalMs?: number | undefined;
  readonly result?: TaskResult | undefined;
  readonly error?: { readonly code: number; readonly message: string } | undefined;
  readonly inputRequests?: Readonly<Record<string, InputRequest>> | undefined;
}

export interface TaskResult {
  readonly content: readonly { readonly type: string; readonly text?: string | undefined }[];
  readonly structuredContent?: unknown;
}

export interface InputRequest {
  readonly method: string;
  readonly params?: { readonly message?: string | undefined } | undefined;
}

/** What the user does with a form. */
export type Answer =
  | { readonly action: "accept"; readonly content: Readonly<Record<string, string | number | boolean>> }
  | { readonly action: "decline" | "cancel" };

const taskSchema: z.ZodType<ClientTask> = z.object({
  taskId: z.string(),
  status: z.enum(["working", "input_required", "completed", "failed", "cancelled"]),
  statusMessage: z.string().optional(),
  pollIntervalMs: z.int().optional(),
  result: z
    .object({
      content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
      structuredContent: z.unknown().optional(),
    })
    .optional(),
  error: z.object({ code: z.int(), message: z.string() }).optional(),
  inputRequests: z
    .record(
      z.string(),
      z.object({ method: z.string(), params: z.object({ message: z.string().optional() }).optional() }),
    )
    .optional(),
});

const responseSchema = z.object({
  id: z.union([z.string(), z.number()]),
  result: z.looseObject({ resultType: z.string().optional() }).optional(),
  error: z.object({ code: z.int(), message: z.string(), data: z.unknown().optional() }).optional(),
});

export interface TaskClientOptions {
  /** false: a client that knows nothing of tasks. @default true */
  readonly tasks?: boolean | undefined;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class TaskClient implements AsyncDisposable {
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #capabilities: ClientCapabilities;
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Set<(task: ClientTask) => void>();
  #requests = 0;

  private constructor(client: Client, transport: Transport, capabilities: ClientCapabilities) {
    this.#client = client;
    this.#transport = transport;
    this.#capabilities = capabilities;
    const deliver = transport.onmessage;
    // eslint-disable-next-line unicorn/prefer-add-event-listener -- a transport has this property, and no events
    transport.onmessage = (message, extra) => {
      const forClient = this.#intercept(message);
      if (forClient !== undefined) deliver?.(forClient, extra);
    };
    client.setNotificationHandler("notifications/tasks", { params: taskSchema }, (task) => {
      for (const listener of this.#listeners) listener(task);
    });
  }

  static async connect(transport: Transport, { tasks = true }: TaskClientOptions = {}): Promise<TaskClient> {
    const capabilities: ClientCapabilities = {
      elicitation: { form: {} },
      ...(tasks && { extensions: { [EXTENSION]: {} } }),
    };
    const client = new Client(CLIENT_INFO, { capabilities, versionNegotiation: { mode: { pin: VERSION } } });
    await client.connect(transport);
    return new TaskClient(client, transport, capabilities);
  }

  /** How many requests of its own it has sent: everything but calls of tools and subscriptions. */
  get requests(): number {
    return this.#requests;
  }

  /** The server decides: the tool's result, or a task that is going to have it. */
  async callTool(name: string, args: Record<string, unknown>): Promise<CallToolResult | ClientTask> {
    const result = await this.#client.callTool({ name, arguments: args });
    return taskSchema.safeParse(result).data ?? result;
  }

  /** For tools of which one knows that they become tasks. */
  async startTask(name: string, args: Record<string, unknown>): Promise<ClientTask> {
    const answer = await this.callTool(name, args);
    if (!isTask(answer)) throw new Error(`${name} answered with its result, not with a task`);
    return answer;
  }

  async getTask(taskId: string): Promise<ClientTask> {
    return taskSchema.parse(await this.request("tasks/get", { taskId }));
  }

  /** Answers open questions of a task, by their keys. */
  async answer(taskId: string, inputResponses: Readonly<Record<string, Answer>>): Promise<void> {
    await this.request("tasks/update", { taskId, inputResponses });
  }

  /** Asks for cancellation: the tool decides what comes of it. */
  async cancel(taskId: string): Promise<void> {
    await this.request("tasks/cancel", { taskId });
  }

  /**
   * Asks as often as the server wants to be asked, until `isEnough`; by default until the task is over.
   * @throws Error what `signal` fired with
   */
  async follow(
    taskId: string,
    signal: AbortSignal,
    isEnough: (task: ClientTask) => boolean = isOver,
  ): Promise<ClientTask> {
    for (;;) {
      const task = await this.getTask(taskId);
      if (isEnough(task)) return task;
      if (isOver(task)) throw new Error(`the task is over too soon: ${task.status}`);
      await pause(task.pollIntervalMs ?? 500, undefined, { signal });
    }
  }

  /**
   * Hears of the tasks as they are and of each change, without asking. The server ends it when all of them are over.
   * @returns ends it before that
   */
  async subscribe(taskIds: readonly string[], listener: (task: ClientTask) => void): Promise<() => Promise<void>> {
    this.#listeners.add(listener);
    const filter: SubscriptionFilter & { readonly taskIds: readonly string[] } = { taskIds };
    const subscription = await this.#client.listen(filter);
    return async () => {
      this.#listeners.delete(listener);
      await subscription.close();
    };
  }

  /**
   * Sends what the client has no method for.
   * @throws ProtocolError with the server's code
   */
  async request(method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.#requests += 1;
    // The client's own ids are numbers.
    const id = `tasks:${this.#requests}`;
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": VERSION,
      "io.modelcontextprotocol/clientInfo": CLIENT_INFO,
      "io.modelcontextprotocol/clientCapabilities": this.#capabilities,
    };
    const timeout = AbortSignal.timeout(REQUEST_MS);
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        timeout.addEventListener("abort", () => reject(new Error(`${method}: no answer within ${REQUEST_MS} ms`)));
        const onRequestStreamEnd = (): void => reject(new Error(`${method}: the connection ended without an answer`));
        this.#transport
          .send({ jsonrpc: "2.0", id, method, params: { ...params, _meta } }, { onRequestStreamEnd })
          .catch(reject);
      });
    } finally {
      this.#pending.delete(id);
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @returns what the official client is to see */
  #intercept<M extends JSONRPCMessage>(message: M): M | undefined {
    const response = responseSchema.safeParse(message).data;
    if (response === undefined) return message;
    const { id, result, error } = response;
    const pending = this.#pending.get(String(id));
    if (pending !== undefined) {
      if (error === undefined) pending.resolve(result);
      else pending.reject(new ProtocolError(error.code, error.message, error.data));
      return undefined;
    }
    // To the client a finished result without content; `callTool` tells them apart by the task id.
    return result?.resultType === "task"
      ? { ...message, result: { content: [], ...result, resultType: "complete" } }
      : message;
  }
}

export function isTask(answer: CallToolResult | ClientTask): answer is ClientTask {
  return "taskId" in answer;
}

export function isOver({ status }: ClientTask): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** The text of a result. */
export function textOf(result: { readonly content: readonly object[] } | undefined): string {
  const texts = (result?.content ?? []).map((part) =>
    "text" in part && typeof part.text === "string" ? part.text : "",
  );
  return texts.join("\n");
}
