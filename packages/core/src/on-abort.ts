/** What a signal calls, by the one listener that it has for all of them. */
const listening = new WeakMap<AbortSignal, Listening>();

interface Listening {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

/**
 * Calls back when a signal fires. Node 20 takes more than ten listeners of one signal for a leak and prints so, though
 * they all go in time; however many wait for it here, the signal has one, and none when nobody does.
 * @returns takes the callback back
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = listening.get(signal) ?? listenTo(signal);
  // The same function may be given twice.
  const called = (): void => callback();
  callbacks.add(called);
  return () => {
    if (!callbacks.delete(called) || callbacks.size > 0) return;
    signal.removeEventListener("abort", listener);
    listening.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Listening {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    for (const callback of callbacks) {
      callbacks.delete(callback);
      callback();
    }
    listening.delete(signal);
  };
  signal.addEventListener("abort", listener, { once: true });
  const made = { callbacks, listener };
  listening.set(signal, made);
  return made;
}
