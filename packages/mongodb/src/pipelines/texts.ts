import { letIn, literal } from "./expressions.ts";
import type { Expression } from "./expressions.ts";

/** The texts that a write stores, each once: an outcome that two alternatives share is sent once. */
export class Texts {
  readonly #names = new Map<string, string>();

  /** The variable that holds a text. */
  place(text: string | null): Expression {
    if (text === null) return null;
    const name = this.#names.get(text) ?? `text${this.#names.size}`;
    this.#names.set(text, name);
    return `$$${name}`;
  }

  /** `within`, where the variables are set. */
  around(within: Expression): Expression {
    if (this.#names.size === 0) return within;
    return letIn(Object.fromEntries([...this.#names].map(([text, name]) => [name, literal(text)])), within);
  }
}
