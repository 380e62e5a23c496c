import { anyEnd } from "./attempt.ts";
import { inTime } from "./in-time.ts";
import { shown } from "./shown.ts";
import type { Target } from "./target.ts";

/** How long a target may take to close: a server of its own may have to stop. */
export const CLOSE_MS = 60_000;

/** Each namespace has another: one trouble is to be told once. */
const NAMESPACE_ID = /\bkit_[0-9a-f]{16}\b/g;

/** Ends something that is the target's, not the store's. @returns what to note of it; undefined: it ended well */
export async function troubleEnding(
  what: string,
  ms: number,
  end: () => PromiseLike<void>,
): Promise<string | undefined> {
  const ended = await inTime(ms, anyEnd(end));
  if (ended === undefined) return `${what} did not end within ${ms} ms`;
  if (ended.kind === "fulfilled") return undefined;
  return `${what} failed: ${shown(ended.error).replaceAll(NAMESPACE_ID, "kit_…")}`;
}

/** The same of the target itself, at the end of a run. */
export function troubleClosing(target: Target, ms: number): Promise<string | undefined> {
  return troubleEnding("closing the target", ms, async () => target.close?.());
}
