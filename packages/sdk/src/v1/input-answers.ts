import {
  type InputRequest,
  isTaskStoreError,
  type JsonObject,
  type JsonRpcError,
  type ScopedTaskStore,
  type Task,
} from "@mcp-task-store/core";
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import { answerProblem } from "../answer-problem.ts";
import { isBareStatus, isOfSdkTool } from "../sdk-inputs.ts";
import { refusalOf } from "../client-question.ts";
import { pause } from "../pause.ts";
import type { TaskHost } from "../task-host.ts";
import { INVALID_PARAMS } from "../tool-error.ts";
import type { AskedHere } from "./client-connection.ts";
import { readJsonSchema } from "./judge-content.ts";
import { isOutage } from "./outage.ts";
import type { QuestionId } from "./question-id.ts";

/** What a client answers a question with; an error from one that cannot show it, or whose user refused. */
export type ClientAnswer = { readonly result: JsonObject } | { readonly error: JsonRpcError };

/** An answer comes once: it is not given up at the first trouble. In all about half a minute. */
const PAUSES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000];

/** What clients of SDKs say of a request that was cancelled: the code is LSP's, the texts those of the SDKs. */
const REQUEST_CANCELLED = -32_800;
const SAYS_CANCELLED = /^(?:the )?(?:request|operation|context) (?:was |has been )?cancell?ed\.?$/iu;

/**
 * Whether an error ends one request for an answer and leaves the question open: it was taken back here, or, as it may
 * have been asked elsewhere, the error says no more than that it was.
 */
export function isEndOfQuestion({ code, message }: JsonRpcError, asked: AskedHere): boolean {
  if (asked !== "unknown") return asked === "withdrawn";
  return code === REQUEST_CANCELLED || SAYS_CANCELLED.test(message.trim());
}

/** What an answer needs of the server it arrived at. */
export interface AnswerHost {
  /** The store as whoever answers sees it. */
  view(): Promise<ScopedTaskStore>;
  answer: TaskHost<AuthInfo>["answer"];
  /** Asks the client again what it answered wrongly. @returns whether it is asked */
  askAgain(task: Task): Promise<boolean>;
}

/**
 * Stores what the client answered to a task's question, in whatever process it arrives and however often: the first
 * answer stays. What its question cannot take is asked again as long as that is possible; then the tool is told. For a
 * task of somebody else, one that is over or an unknown question nothing happens.
 * @param ended fires when no more attempts are made
 * @throws what `view` or the store throws at the last attempt: the answer may be lost
 */
export async function storeAnswer(
  { taskId, key }: QuestionId,
  answer: ClientAnswer,
  host: AnswerHost,
  ended: AbortSignal,
): Promise<void> {
  let view: ScopedTaskStore | undefined;
  for (let attempt = 0; ; attempt += 1) {
    try {
      view ??= await host.view();
      await answerOnce(view, taskId, [key, answer], host);
      return;
    } catch (error) {
      const waitMs = PAUSES_MS[attempt];
      if (waitMs === undefined || !(view === undefined || isOutage(error))) throw error;
      await pause(waitMs, ended);
      if (ended.aborted) throw error;
    }
  }
}

async function answerOnce(
  view: ScopedTaskStore,
  taskId: string,
  [key, answer]: readonly [string, ClientAnswer],
  host: AnswerHost,
): Promise<void> {
  let asked: InputRequest | undefined;
  // A tool of the SDK's own is told of an error as such.
  const refusal = (question: InputRequest, error: JsonRpcError): JsonObject =>
    isOfSdkTool(key) ? { error: { ...error } } : refusalOf(question, error);
  try {
    const task = await view.getTask(taskId);
    const input = task !== undefined && Object.hasOwn(task.inputs, key) ? task.inputs[key] : undefined;
    if (task === undefined || input === undefined || input.response !== undefined || isBareStatus(key)) return;
    asked = input.request;
    const response = "error" in answer ? refusal(asked, answer.error) : withoutMeta(answer.result);
    if ("result" in answer) {
      const problem = await answerProblem(asked, response, readJsonSchema);
      if (problem !== undefined && (await host.askAgain(task))) return;
    }
    await host.answer(view, taskId, [[key, response]]);
  } catch (error) {
    if (isTaskStoreError(error, "TASK_NOT_FOUND")) return;
    // An answer that cannot be stored would be asked for again and again.
    const isUnstorable = isTaskStoreError(error, "INVALID_ARGUMENT") || isTaskStoreError(error, "PAYLOAD_TOO_LARGE");
    if (!isUnstorable || asked === undefined) throw error;
    const unstorable = { code: INVALID_PARAMS, message: "The answer is more than can be stored" };
    await host.answer(view, taskId, [[key, refusal(asked, unstorable)]]);
  }
}

function withoutMeta({ _meta, ...response }: JsonObject): JsonObject {
  return response;
}
