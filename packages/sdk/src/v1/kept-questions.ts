import {
  type InputRequest,
  isTaskStoreError,
  isTerminal,
  type JsonObject,
  type Task,
  type TaskStore,
} from "@mcp-task-store/core";
import { type AnySchema, safeParse } from "@modelcontextprotocol/sdk/server/zod-compat.js";
import { DEFAULT_REQUEST_TIMEOUT_MSEC, type RequestOptions } from "@modelcontextprotocol/sdk/shared/protocol.js";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { ELICITATION } from "../elicitation.ts";
import { isClientError, SAMPLING } from "../sampling.ts";
import { newSdkQuestionKey } from "../sdk-inputs.ts";
import { isJsonObject, objectAt } from "../stored-call.ts";
import { INTERNAL_ERROR } from "../tool-error.ts";
import { toMcpError } from "./mcp-errors.ts";
import { throughOutages } from "./outage.ts";
import { inputArrived } from "./sdk-input.ts";

/** Requests that ask somebody. Others are for the client itself, such as those about its own tasks. */
const QUESTIONS: readonly unknown[] = [ELICITATION, SAMPLING, "roots/list"];

/** The answer to a question that nobody waits for any more. */
const TAKEN_BACK = { error: { code: ErrorCode.RequestTimeout, message: "Nobody waits for it any more" } };

/** What the SDK's `request` takes, as far as it matters here. */
export type AskOptions = Pick<RequestOptions, "timeout" | "signal" | "task" | "onprogress">;

/** Whether a request can be kept with its task: its answer is the answer, and there is no news of it before. */
export function canBeKept(asked: JsonObject, { task, onprogress }: AskOptions): boolean {
  return QUESTIONS.includes(asked["method"]) && task === undefined && onprogress === undefined;
}

/**
 * Questions of the SDK's own tools, kept with their tasks like those of ours: any process may ask them, again after a
 * reconnect, and store the answer. The tool waits for it where it is.
 */
export class KeptQuestions {
  readonly #store: TaskStore;

  constructor(store: TaskStore) {
    this.#store = store;
  }

  /**
   * Asks as the SDK's `request` does, with its timeout.
   * @returns the answer as the schema reads it
   * @throws McpError as the SDK: the client's error, -32001 when the time is over or the signal fires, -32603 when the
   *   task ends meanwhile; -32602 for an unknown task
   */
  async ask(taskId: string, asked: JsonObject, schema: AnySchema, options: AskOptions): Promise<unknown> {
    const { timeout = DEFAULT_REQUEST_TIMEOUT_MSEC, signal } = options;
    signal?.throwIfAborted();
    const key = newSdkQuestionKey();
    const over = new AbortController();
    const giveUp = (): void => over.abort(requestTimeout(String(signal?.reason)));
    const timer = setTimeout(() => over.abort(requestTimeout("Request timed out", { timeout })), timeout);
    signal?.addEventListener("abort", giveUp);
    try {
      return read(await this.#answerTo(taskId, key, questionIn(asked), over.signal), schema);
    } catch (error) {
      if (!over.signal.aborted) throw isTaskStoreError(error) ? toMcpError(error) : error;
      // In an outage clients are asked on, and nobody reads what they say.
      await this.#store.answerInputs(taskId, { [key]: TAKEN_BACK }).catch(() => undefined);
      throw over.signal.reason;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
    }
  }

  async #answerTo(taskId: string, key: string, question: InputRequest, signal: AbortSignal): Promise<JsonObject> {
    const store = this.#store;
    const ask = async (): Promise<Task> => await store.requestInputs(taskId, { [key]: question }, { force: true });
    let task = await throughOutages(ask, signal);
    for (;;) {
      const response = task.inputs[key]?.response;
      if (response !== undefined) {
        const answered = task;
        await throughOutages(async () => await inputArrived(store, answered), signal);
        return response;
      }
      if (isTerminal(task.status)) throw new McpError(INTERNAL_ERROR, "Task cancelled or completed");
      const { revision: since } = task;
      task = (await throughOutages(async () => await store.waitForUpdate(taskId, { since, signal }), signal)) ?? task;
    }
  }
}

function questionIn({ method, params }: JsonObject): InputRequest {
  return { method: String(method), ...(isJsonObject(params) && { params }) };
}

/** @throws McpError which the client answered with; what the schema says to anything else that it cannot read */
function read(response: JsonObject, schema: AnySchema): unknown {
  const error = objectAt(response, "error");
  if (isClientError(error)) throw McpError.fromError(error.code, error.message, error.data);
  const parsed = safeParse(schema, response);
  if (parsed.success) return parsed.data;
  throw parsed.error;
}

function requestTimeout(message: string, data?: unknown): McpError {
  return McpError.fromError(ErrorCode.RequestTimeout, message, data);
}
