import type { InputRequest } from "@mcp-task-store/core";
import { INVALID_PARAMS, ToolError } from "./tool-error.ts";

/** The questions that one run asked, by key. */
export class AskedQuestions {
  readonly #texts = new Map<string, string>();

  /** @throws ToolError -32602 if the key was used for another question before */
  note(key: string, question: InputRequest): void {
    const text = JSON.stringify(question);
    if ((this.#texts.get(key) ?? text) !== text) {
      throw new ToolError(INVALID_PARAMS, `The input key "${key}" was used for another question before.`);
    }
    this.#texts.set(key, text);
  }

  has(key: string): boolean {
    return this.#texts.has(key);
  }
}
