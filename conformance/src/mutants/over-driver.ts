import type { Alternative, Change, Guards, TaskDriver, Write, WriteAnswer } from "@mcp-task-store/core";

/** Which command a write carries out, as far as its alternatives tell. */
export type WriteKind =
  | "report"
  | "finish"
  | "cancel"
  | "request-cancel"
  | "ask"
  | "answer"
  | "acquire"
  | "renew"
  | "release"
  | "recover"
  | "claim";

export function kindOf(write: Write): WriteKind {
  const [first] = write.alternatives;
  const last = write.alternatives.at(-1);
  if (first === undefined || last === undefined) return "report";
  if (write.quiet === true) return "lease" in first.then ? "renew" : "claim";
  if (
    write.alternatives.some(({ then }) => typeof then.lease === "object" && then.lease !== null && "take" in then.lease)
  )
    return "acquire";
  if (first.then.cancelRequested === "now") return "request-cancel";
  if (write.alternatives.some(({ when }) => when.runOver === true || isLapsed(when.lease))) return "recover";
  if (typeof first.then.set?.inputs === "string") return first.then.set.status === "input_required" ? "ask" : "answer";
  if (last.then.lease === null && last.then.set?.status === undefined) return "release";
  if (first.then.set?.outcome === undefined) return "report";
  const alone = write.alternatives.length === 1 && first.when.lease === undefined;
  return alone && first.then.set.status === "cancelled" ? "cancel" : "finish";
}

function isLapsed(lease: Guards["lease"]): boolean {
  return typeof lease === "object" && "lapsed" in lease;
}

/** The driver with its writes changed on their way. */
export function rewriting(driver: TaskDriver, change: (write: Write, kind: WriteKind) => Write): TaskDriver {
  return { ...driver, write: (write, options) => driver.write(change(write, kindOf(write)), options) };
}

/** The driver with something done in place of some writes, or around them. */
export function intercepting(
  driver: TaskDriver,
  instead: (write: Write, kind: WriteKind, send: (write: Write) => Promise<WriteAnswer>) => Promise<WriteAnswer>,
): TaskDriver {
  return {
    ...driver,
    write: (write, options) => instead(write, kindOf(write), (changed) => driver.write(changed, options)),
  };
}

/** The write with each alternative changed; those for which it gives undefined are dropped. */
export function eachAlternative(write: Write, change: (one: Alternative) => Alternative | undefined): Write {
  return { ...write, alternatives: write.alternatives.flatMap((one) => change(one) ?? []) };
}

/** The driver with what the alternatives of every write of one kind do changed on their way. */
export function changing(
  driver: TaskDriver,
  kind: WriteKind,
  fired: () => void,
  change: (then: Change, when: Guards) => Change,
): TaskDriver {
  return rewriting(driver, (write, is) => {
    if (is !== kind) return write;
    fired();
    return eachAlternative(write, ({ when, then }) => ({ when, then: change(then, when) }));
  });
}

/** Guards without some of them. */
export function without<K extends keyof Guards>(when: Guards, ...names: readonly K[]): Guards {
  const dropped: ReadonlySet<string> = new Set(names);
  return Object.fromEntries(Object.entries(when).filter(([name]) => !dropped.has(name)));
}

/** A change without some of its parts. */
export function changeWithout<K extends keyof Change>(change: Change, ...names: readonly K[]): Change {
  const dropped: ReadonlySet<string> = new Set(names);
  return Object.fromEntries(Object.entries(change).filter(([name]) => !dropped.has(name)));
}

/** The write with these guards dropped from every alternative. */
export function unguarded<K extends keyof Guards>(write: Write, ...names: readonly K[]): Write {
  return eachAlternative(write, ({ when, then }) => ({ when: without(when, ...names), then }));
}
