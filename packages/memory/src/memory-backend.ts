import { TaskStoreError } from "@mcp-task-store/core";
import { BackendClock } from "./backend-clock.ts";
import { HintChannel } from "./hint-channel.ts";
import { TaskTable } from "./task-table.ts";

export interface MemoryBackendOptions {
  /**
   * Where the backend's clock takes its time from, epoch ms, fractions allowed. Readings are integers of µs, each at
   * least one more than the one before: a source that stands still still moves a µs a call, one that falls back is
   * waited for. @default `performance.timeOrigin + performance.now()`, which no change of the system time moves
   */
  readonly clock?: (() => number) | undefined;
}

/**
 * The tasks of one "server", to be shared by any number of drivers and stores of this process: each of them then is
 * like another process on the same database. It lives as long as somebody refers to it; closing a store leaves it.
 */
export interface MemoryBackend {
  /** Tasks held, expired ones that were not purged yet included. */
  readonly size: number;
  /**
   * Moves the backend's clock ahead, for tests of expiry and leases: the next reading comes more than `ms` after the
   * last. Timers of stores run on: they are the process's.
   * @param ms finite, 0 or more; fractions are microseconds
   * @throws TaskStoreError INVALID_ARGUMENT
   */
  advance(ms: number): void;
}

/** What drivers see of a backend. */
export interface BackendParts {
  readonly table: TaskTable;
  readonly hints: HintChannel;
}

const partsOf = new WeakMap<MemoryBackend, BackendParts>();

/** Makes an empty backend. */
export function createMemoryBackend(options: MemoryBackendOptions = {}): MemoryBackend {
  const clock = new BackendClock(options.clock);
  const table = new TaskTable(clock);
  const backend: MemoryBackend = {
    get size(): number {
      return table.size;
    },
    advance(ms: number): void {
      if (!Number.isFinite(ms) || ms < 0) {
        throw new TaskStoreError("INVALID_ARGUMENT", `ms is ${ms}; give a finite number of 0 or more`, {
          argument: "ms",
        });
      }
      clock.advance(ms);
    },
  };
  partsOf.set(backend, { table, hints: new HintChannel() });
  return backend;
}

/** @throws TaskStoreError INVALID_ARGUMENT for anything that {@link createMemoryBackend} did not make */
export function partsOfBackend(backend: MemoryBackend): BackendParts {
  const parts = partsOf.get(backend);
  if (parts !== undefined) return parts;
  throw new TaskStoreError("INVALID_ARGUMENT", "backend was not made by createMemoryBackend()", {
    argument: "backend",
  });
}
