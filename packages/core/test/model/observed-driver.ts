import { delegate } from "../../../../conformance/src/driver-model/delegate.ts";
import type { DueAnswer, InsertAnswer, ReadAnswer, TaskDriver, Write, WriteAnswer } from "../../src/index.ts";

/** What a store asked its driver, and what it got: above all the backend's clock at that instant. */
export type Observation =
  | { readonly method: "insert"; readonly taskId: string; readonly createId: string; readonly answer: InsertAnswer }
  | { readonly method: "read" | "page"; readonly answer: ReadAnswer }
  | { readonly method: "write"; readonly write: Write; readonly answer: WriteAnswer }
  | { readonly method: "remove"; readonly answer: string }
  | { readonly method: "due"; readonly limit: number; readonly holdMs: number; readonly answer: DueAnswer };

/** Notes the calls of any number of drivers, in the order of their answers. */
export class Observer {
  #seen: Observation[] = [];
  readonly #underWay = new Set<Promise<unknown>>();

  /** What was seen since the last time; waits for calls that nobody waits for any more, such as a hub's second read. */
  async take(): Promise<readonly Observation[]> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }

  /** The same driver, whose calls are noted. */
  observe(driver: TaskDriver): TaskDriver {
    const noted = async <Answer>(
      call: Promise<Answer>,
      observation: (answer: Answer) => Observation,
    ): Promise<Answer> => {
      const noting = call.then((answer) => {
        this.#seen.push(observation(answer));
        return answer;
      });
      this.#underWay.add(noting);
      try {
        return await noting;
      } finally {
        this.#underWay.delete(noting);
      }
    };
    return {
      ...delegate(driver),
      insert: (insert, options) =>
        noted(driver.insert(insert, options), (answer) => {
          const { taskId, createId } = insert;
          return { method: "insert", taskId, createId, answer };
        }),
      read: (taskIds, options) => noted(driver.read(taskIds, options), (answer) => ({ method: "read", answer })),
      write: (write, options) => noted(driver.write(write, options), (answer) => ({ method: "write", write, answer })),
      remove: (remove, options) => noted(driver.remove(remove, options), (answer) => ({ method: "remove", answer })),
      page: (query, options) => noted(driver.page(query, options), (answer) => ({ method: "page", answer })),
      due: (limit, holdMs, options) =>
        noted(driver.due(limit, holdMs, options), (answer) => ({ method: "due", limit, holdMs, answer })),
    };
  }
}
