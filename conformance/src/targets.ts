import { randomUUID } from "node:crypto";
import type { TaskStore } from "@mcp-task-store/core";
import type { StoreSettings, Target, TargetNamespace } from "./target.ts";
import { atWallClock, withWallClock } from "./wall-clock.ts";

export { referenceStore } from "./reference-store.ts";
export type * from "./target.ts";
export { trueEpochMs } from "./wall-clock.ts";

/** How to reach a store of yours. */
export interface StoreTargetOptions extends Omit<Target, "namespace"> {
  /**
   * A new handle on the tasks of a namespace. Called twice with one id it gives what two processes would have; called
   * with two ids, stores that see nothing of each other: use the id as a schema, database or key prefix. It is made of
   * lower-case letters, digits and underscores and has at most 24 of them. The kit calls `setup()` on each handle.
   */
  readonly open: (namespaceId: string, settings: StoreSettings) => TaskStore | Promise<TaskStore>;
  /** Makes room for a namespace before its first `open`. */
  readonly setup?: (namespaceId: string) => Promise<void>;
  /** Removes a namespace; its stores are closed by then. */
  readonly dispose?: (namespaceId: string) => Promise<void>;
  /** See {@link TargetNamespace.restart}. */
  readonly restart?: (namespaceId: string) => Promise<void>;
  /** See {@link TargetNamespace.setBack}. */
  readonly setBack?: (namespaceId: string, ms: number) => Promise<void>;
  /**
   * Says that the store's backend has a clock that is not this process's `Date`. The kit then also opens handles that
   * see another wall clock, by replacing `Date` for what these do.
   */
  readonly clock?: boolean;
}

/** A target out of a function that opens your store. */
export function storeTarget(options: StoreTargetOptions): Target {
  const { open, setup, dispose, restart, setBack, ...description } = options;
  return {
    ...description,
    async namespace(): Promise<TargetNamespace> {
      const namespaceId = `kit_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
      await setup?.(namespaceId);
      const stores: TaskStore[] = [];
      return {
        async open({ settings = {}, clock } = {}) {
          const opened = async (): Promise<TaskStore> => {
            const store = await open(namespaceId, settings);
            stores.push(store);
            await store.setup();
            return store;
          };
          if (clock === undefined) return opened();
          return withWallClock(await atWallClock(clock.offsetMs, opened), clock.offsetMs);
        },
        ...(restart === undefined ? {} : { restart: () => restart(namespaceId) }),
        ...(setBack === undefined ? {} : { setBack: (ms) => setBack(namespaceId, ms) }),
        async [Symbol.asyncDispose]() {
          await Promise.allSettled(stores.map((store) => store.close({ graceMs: 1_000 })));
          await dispose?.(namespaceId);
        },
      };
    },
  };
}
