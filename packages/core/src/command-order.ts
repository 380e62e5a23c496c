/**
 * Commands of one process on one task run one at a time, in call order. Keyed by scope as well: a stranger who guesses
 * an id must not be able to feel its owner's writes.
 */
export class CommandOrder {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Takes the next place for a task.
   * @returns `turn` resolves when all earlier places are done; `done` must be called in any case, before or after that
   */
  enter(taskId: string, scope: string | null | undefined): { readonly turn: Promise<void>; readonly done: () => void } {
    const key = JSON.stringify([taskId, scope === undefined ? 0 : scope]);
    const turn = this.#tails.get(key) ?? Promise.resolve();
    let done: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => {
      done = resolve;
    });
    const tail = turn.then(() => mine);
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return { turn, done };
  }
}
