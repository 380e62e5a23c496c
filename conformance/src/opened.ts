import { OptionError } from "./option-error.ts";
import { shown } from "./shown.ts";

/** Code without types may have left it out. @throws OptionError that says whose `open` is no function */
export function checkOpen(target: string, open: unknown): void {
  if (typeof open === "function") return;
  throw new OptionError(`${target} needs open, a function; got ${shown(open, 60)}`);
}

/** A method that each of them has. */
const METHOD = { TaskStore: "createTask", TaskDriver: "insert" } as const;

/** What `open` gave. @throws OptionError unless it looks like what it has to be */
export function checkOpened(opened: unknown, wanted: keyof typeof METHOD): void {
  if (typeof opened !== "object" || opened === null || typeof Reflect.get(opened, METHOD[wanted]) !== "function") {
    throw new OptionError(`open gave ${shown(opened, 60)}, not a ${wanted}`);
  }
  const capabilities: unknown = Reflect.get(opened, "capabilities");
  if (typeof capabilities === "object" && capabilities !== null) return;
  throw new OptionError(`the ${wanted}'s capabilities have to be an object, and are ${shown(capabilities, 60)}`);
}
