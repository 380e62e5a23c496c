import {
  isTaskStoreError,
  type JsonObject,
  type JsonRpcError,
  type ScopedTaskStore,
  type Task,
} from "@mcp-task-store/core";
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import { answerProblem } from "../answer-problem.ts";
import { pause } from "../pause.ts";
import type { TaskHost } from "../task-host.ts";
import type { AskedHere } from "./client-connection.ts";
import { readJsonSchema } from "./judge-content.ts";
import type { QuestionId } from "./question-id.ts";

/** What a client says that cannot show the question: nothing was chosen. */
export const NO_ANSWER: JsonObject = { action: "cancel" };

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

/** Asks the client again. @returns whether it could be asked */
export type AskAgain = (task: Task, key: string) => Promise<boolean>;

/**
 * Stores what the client answered to a task's question, in whatever process it arrives and however often: the first
 * answer stays. What its question cannot take is asked again as long as that is possible; then the tool is told. For a
 * task of somebody else, one that is over or an unknown question nothing happens.
 * @param response the client's result; undefined: it answered with an error
 * @param ended fires when no more attempts are made
 * @throws what `principal` throws, or the store after the last attempt
 */
export async function storeAnswer(
  { taskId, key }: QuestionId,
  response: JsonObject | undefined,
  authInfo: AuthInfo | undefined,
  host: TaskHost<AuthInfo>,
  askAgain: AskAgain,
  ended: AbortSignal,
): Promise<void> {
  const view = await host.viewFor(authInfo);
  const { _meta, ...answer } = response ?? NO_ANSWER;
  for (let attempt = 0; ; attempt += 1) {
    try {
      await answerOnce(view, taskId, [key, answer], host, askAgain);
      return;
    } catch (error) {
      const waitMs = PAUSES_MS[attempt];
      const isLost = isTaskStoreError(error, "STORE_UNAVAILABLE") || isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN");
      if (!isLost || waitMs === undefined) throw error;
      await pause(waitMs, ended);
      if (ended.aborted) throw error;
    }
  }
}

async function answerOnce(
  view: ScopedTaskStore,
  taskId: string,
  [key, answer]: readonly [string, JsonObject],
  host: TaskHost<AuthInfo>,
  askAgain: AskAgain,
): Promise<void> {
  try {
    const task = await view.getTask(taskId);
    const input = task !== undefined && Object.hasOwn(task.inputs, key) ? task.inputs[key] : undefined;
    if (task === undefined || input === undefined || input.response !== undefined) return;
    const problem = await answerProblem(input.request, answer, readJsonSchema);
    if (problem !== undefined && (await askAgain(task, key))) return;
    await host.answer(view, taskId, [[key, answer]]);
  } catch (error) {
    if (isTaskStoreError(error, "TASK_NOT_FOUND")) return;
    // An answer that cannot be stored would be asked for again and again.
    const isUnstorable = isTaskStoreError(error, "INVALID_ARGUMENT") || isTaskStoreError(error, "PAYLOAD_TOO_LARGE");
    if (!isUnstorable || answer === NO_ANSWER) throw error;
    await host.answer(view, taskId, [[key, NO_ANSWER]]);
  }
}
