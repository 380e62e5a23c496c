import type { HintListener } from "@mcp-task-store/core";

/** Carries hints between the drivers of one backend. */
export class HintChannel {
  readonly #listeners = new Set<HintListener>();

  /** Adds a listener and returns how to remove it; removing it twice is harmless. */
  subscribe(listener: HintListener): () => void {
    // A wrapper of its own: subscribing the same listener twice makes two subscriptions.
    const subscription: HintListener = {
      onHint: (taskIds) => listener.onHint(taskIds),
      onGap: () => listener.onGap(),
    };
    this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
    };
  }

  /** Tells every listener, the publisher's own included, in a later microtask: never inside the publisher's call. */
  publish(taskIds: readonly string[]): void {
    const ids = Object.freeze([...taskIds]);
    for (const listener of this.#listeners) {
      queueMicrotask(() => {
        if (this.#listeners.has(listener)) listener.onHint(ids);
      });
    }
  }
}
