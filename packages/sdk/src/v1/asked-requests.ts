import { type QuestionId, readQuestionId } from "./question-id.ts";
import type { TaskQuestions } from "./task-questions.ts";

/** Who asks what in this process, on whatever connection: without sessions an answer comes over another one. */
export class AskedRequests {
  readonly #byId = new Map<string, TaskQuestions>();

  /** How many requests are open, as far as is known. */
  get size(): number {
    return this.#byId.size;
  }

  note(requestId: string, questions: TaskQuestions): void {
    this.#byId.set(requestId, questions);
  }

  forget(requestId: string): void {
    this.#byId.delete(requestId);
  }

  /** Who asks a request. */
  by(requestId: string): TaskQuestions | undefined {
    return this.#byId.get(requestId);
  }

  /** Somebody who asks a question, under whatever id. */
  of({ taskId, key }: QuestionId): TaskQuestions | undefined {
    for (const [requestId, questions] of this.#byId) {
      const id = readQuestionId(requestId);
      if (id?.taskId === taskId && id.key === key) return questions;
    }
    return undefined;
  }
}
