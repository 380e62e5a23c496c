import { randomUUID } from "node:crypto";
import type { TaskStore } from "@mcp-task-store/core";
import type { StoreSettings, Target, TargetNamespace } from "./target.ts";

export type * from "./target.ts";

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
}

/** A target out of a function that opens your store. */
export function storeTarget(options: StoreTargetOptions): Target {
  const { open, setup, dispose, restart, ...description } = options;
  return {
    ...description,
    async namespace(): Promise<TargetNamespace> {
      const namespaceId = `kit_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
      await setup?.(namespaceId);
      const stores: TaskStore[] = [];
      return {
        async open({ settings = {} } = {}) {
          const store = await open(namespaceId, settings);
          stores.push(store);
          await store.setup();
          return store;
        },
        ...(restart === undefined ? {} : { restart: () => restart(namespaceId) }),
        async [Symbol.asyncDispose]() {
          await Promise.allSettled(stores.map((store) => store.close({ graceMs: 1_000 })));
          await dispose?.(namespaceId);
        },
      };
    },
  };
}
