/** One step at a time, in the order in which they were asked for: a chain of promises. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(step: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(step);
    // The next step goes on whatever became of this one; its caller is told.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
