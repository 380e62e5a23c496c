/** What a signal calls, by the one listener that it has for all of them. */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when a signal fires. Node 20 takes more than ten listeners of one signal for a leak and prints so, though
 * they all go in time; however many wait for it here, the signal has one.
 * @returns takes the callback back
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const all = callbacks.get(signal) ?? listenTo(signal);
  // The same function may be given twice.
  const called = (): void => callback();
  all.add(called);
  return () => void all.delete(called);
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  callbacks.set(signal, all);
  signal.addEventListener("abort", () => {
    for (const callback of all) callback();
  });
  return all;
}
