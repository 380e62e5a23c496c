import { type InputRequest, isTaskStoreError, type Task, type TaskContext } from "@mcp-task-store/core";
import { inputChunks } from "./input-chunks.ts";

/** Refusals that some of the questions earned, not the task. */
const OF_SOME_QUESTION = ["INPUT_KEY_REUSED", "INVALID_ARGUMENT", "PAYLOAD_TOO_LARGE"] as const;

/**
 * Asks the client, as much in one write as the store takes. A question that is refused takes no other with it.
 * @returns by key: the task with the question in it, or what it was refused with
 */
export async function askTogether(
  run: Pick<TaskContext, "requestInputs">,
  inputs: ReadonlyMap<string, InputRequest>,
): Promise<ReadonlyMap<string, PromiseSettledResult<Task>>> {
  const outcomes = new Map<string, PromiseSettledResult<Task>>();
  for (const questions of inputChunks([...inputs])) {
    const all = await ask(run, questions);
    const isOfSome = all.status === "rejected" && OF_SOME_QUESTION.some((code) => isTaskStoreError(all.reason, code));
    for (const question of questions) {
      outcomes.set(question[0], isOfSome && questions.length > 1 ? await ask(run, [question]) : all);
    }
  }
  return outcomes;
}

async function ask(
  run: Pick<TaskContext, "requestInputs">,
  questions: readonly (readonly [string, InputRequest])[],
): Promise<PromiseSettledResult<Task>> {
  const [outcome] = await Promise.allSettled([run.requestInputs(Object.fromEntries(questions))]);
  return outcome;
}
