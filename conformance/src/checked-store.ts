import { CouldNotRun } from "./attempt.ts";
import { shown } from "./shown.ts";

/** @throws CouldNotRun that says what code without types opened in place of a store */
export function checkStore(store: unknown): void {
  if (typeof store !== "object" || store === null) {
    throw new CouldNotRun(`the target opened ${shown(store, 80)}, which is no store`);
  }
  const capabilities: unknown = Reflect.get(store, "capabilities");
  if (typeof capabilities === "object" && capabilities !== null) return;
  throw new CouldNotRun(`the store's capabilities have to be an object, and are ${shown(capabilities, 80)}`);
}
