import { TaskStoreError } from "@mcp-task-store/core";
import type { DriverCallOptions, DriverCapabilities, TaskDriver } from "@mcp-task-store/core";
import { createMemoryBackend, partsOfBackend } from "./memory-backend.ts";
import type { MemoryBackend } from "./memory-backend.ts";

/** 64 MiB: far below the longest string of the engines that run this. */
const MAX_PAYLOAD_BYTES = 67_108_864;

const CAPABILITIES: DriverCapabilities = Object.freeze({
  durable: false,
  multiProcess: false,
  pushHints: true,
  messages: true,
  listing: true,
  maxPayloadBytes: MAX_PAYLOAD_BYTES,
});

export interface MemoryDriverOptions {
  /** The backend to work on. @default one of its own */
  readonly backend?: MemoryBackend | undefined;
}

/**
 * A driver over a map in this process. Every call takes effect at once, inside the call, and is answered in a later
 * microtask; so no call is ever in flight, and `options.signal` matters only when it has fired before.
 * @throws TaskStoreError INVALID_ARGUMENT for a foreign `backend`
 */
export function createMemoryDriver(options: MemoryDriverOptions = {}): TaskDriver {
  const { table, hints } = partsOfBackend(options.backend ?? createMemoryBackend());
  const subscriptions = new Set<() => void>();
  let closed = false;

  function enter(call?: DriverCallOptions): void {
    if (closed) throw new TaskStoreError("CLOSED", "The driver is closed.");
    if (call?.signal?.aborted !== true) return;
    const cause: unknown = call.signal.reason;
    throw new TaskStoreError("STORE_UNAVAILABLE", "The call was given up before it began.", { cause });
  }

  return {
    name: "memory",
    capabilities: CAPABILITIES,
    async setup(call) {
      enter(call);
    },
    async insert(insert, call) {
      enter(call);
      return table.insert(insert);
    },
    async read(taskIds, call) {
      enter(call);
      return table.read(taskIds, call ?? {});
    },
    async write(write, call) {
      enter(call);
      return table.write(write);
    },
    async remove(remove, call) {
      enter(call);
      return table.remove(remove);
    },
    async page(query, call) {
      enter(call);
      return table.page(query);
    },
    async due(limit, holdMs, call) {
      enter(call);
      return table.due(limit, holdMs);
    },
    async close() {
      closed = true;
      for (const end of subscriptions) end();
      subscriptions.clear();
    },
    messages: {
      async push(push, call) {
        enter(call);
        return table.push(push);
      },
      async take(take, call) {
        enter(call);
        return table.take(take);
      },
    },
    hints: {
      async publish(taskIds) {
        enter();
        hints.publish(taskIds);
      },
      async subscribe(listener) {
        enter();
        const end = hints.subscribe(listener);
        subscriptions.add(end);
        return async () => {
          end();
          subscriptions.delete(end);
        };
      },
    },
  };
}
