import { TaskStoreError } from "./errors.ts";

/** What is wrong with an option of an adapter. The message never shows its value. */
export function invalidOption(name: string, message: string): TaskStoreError {
  return new TaskStoreError("INVALID_ARGUMENT", `options.${name} ${message}`, { argument: `options.${name}` });
}

/** @throws TaskStoreError INVALID_ARGUMENT naming the first of the options, unless exactly one of them is defined */
export function checkExactlyOne(ways: Readonly<Record<string, unknown>>): void {
  const [first = "", ...others] = Object.keys(ways);
  const given = Object.values(ways).filter((option) => option !== undefined).length;
  if (given !== 1) throw invalidOption(first, `or ${others.join(" or ")}: give exactly one of these, not ${given}`);
}

/** How many connections an adapter's own client may open. @throws TaskStoreError INVALID_ARGUMENT outside of 1 to 1,000 */
export function checkPoolSize(poolSize: unknown): void {
  if (typeof poolSize === "number" && Number.isSafeInteger(poolSize) && poolSize >= 1 && poolSize <= 1_000) return;
  throw invalidOption("poolSize", "must be a whole number from 1 to 1,000");
}
