import { delegate } from "../../../../conformance/src/driver-model/delegate.ts";
import type { TaskDriver, WriteAnswer, DueAnswer, InsertAnswer, ReadAnswer, Write } from "../../src/index.ts";

/** What a store asked its driver, and what it got: above all the backend's clock at that instant. */
export type Observation =
  | { readonly method: "insert"; readonly taskId: string; readonly createId: string; readonly answer: InsertAnswer }
  | { readonly method: "read" | "page"; readonly answer: ReadAnswer }
  | { readonly method: "write"; readonly write: Write; readonly answer: WriteAnswer }
  | { readonly method: "remove"; readonly answer: string }
  | { readonly method: "due"; readonly limit: number; readonly holdMs: number; readonly answer: DueAnswer };

/** The same driver, which notes every call in the order of the answers. */
export function observedDriver(driver: TaskDriver, observations: Observation[]): TaskDriver {
  return {
    ...delegate(driver),
    async insert(insert, options) {
      const answer = await driver.insert(insert, options);
      observations.push({ method: "insert", taskId: insert.taskId, createId: insert.createId, answer });
      return answer;
    },
    async read(taskIds, options) {
      const answer = await driver.read(taskIds, options);
      observations.push({ method: "read", answer });
      return answer;
    },
    async write(write, options) {
      const answer = await driver.write(write, options);
      observations.push({ method: "write", write, answer });
      return answer;
    },
    async remove(remove, options) {
      const answer = await driver.remove(remove, options);
      observations.push({ method: "remove", answer });
      return answer;
    },
    async page(query, options) {
      const answer = await driver.page(query, options);
      observations.push({ method: "page", answer });
      return answer;
    },
    async due(limit, holdMs, options) {
      const answer = await driver.due(limit, holdMs, options);
      observations.push({ method: "due", limit, holdMs, answer });
      return answer;
    },
  };
}
