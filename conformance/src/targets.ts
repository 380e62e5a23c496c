import { randomUUID } from "node:crypto";
import { createTaskStore, type TaskDriver, type TaskStore, type TaskStoreOptions } from "@mcp-task-store/core";
import { checkOpen, checkOpened } from "./opened.ts";
import type { OpenOptions, StoreSettings, Target, TargetNamespace, Via } from "./target.ts";
import { atWallClock, withWallClock } from "./wall-clock.ts";
import { targetAddress } from "./wire/tcp-proxy.ts";

export { referenceStore } from "./reference-store.ts";
export type * from "./target.ts";
export { trueEpochMs } from "./wall-clock.ts";

/** What a target is made of, whatever it opens. */
interface TargetParts extends Omit<Target, "namespace">, NamespaceParts {
  /**
   * Says that the store's backend has a clock that is not this process's `Date`. The kit then also opens handles that
   * see another wall clock, by replacing `Date` for what these do.
   */
  readonly clock?: boolean;
}

interface NamespaceParts {
  /** Makes room for a namespace before it is first opened. */
  readonly setup?: ((namespaceId: string) => Promise<void>) | undefined;
  /** Removes a namespace; what was opened in it is closed by then. */
  readonly dispose?: ((namespaceId: string) => Promise<void>) | undefined;
  /** See {@link TargetNamespace.restart}. */
  readonly restart?: ((namespaceId: string) => Promise<void>) | undefined;
  /** See {@link TargetNamespace.setBack}. */
  readonly setBack?: ((namespaceId: string, ms: number) => Promise<void>) | undefined;
}

/** How to reach a store of yours. */
export interface StoreTargetOptions extends TargetParts {
  /**
   * A new handle on the tasks of a namespace. Called twice with one id it gives what two processes would have; called
   * with two ids, stores that see nothing of each other: use the id as a schema, database or key prefix. It is made of
   * lower-case letters, digits and underscores and has at most 24 of them. The kit calls `setup()` on each handle.
   */
  readonly open: (namespaceId: string, settings: StoreSettings, way: Way) => TaskStore | Promise<TaskStore>;
}

/** How to reach a driver of yours. */
export interface DriverTargetOptions extends TargetParts {
  /** A new driver on the tasks of a namespace: as {@link StoreTargetOptions.open}, which says what the ids are. */
  readonly open: (namespaceId: string, way: Way) => TaskDriver | Promise<TaskDriver>;
  /** Settings of the store over it that no rule sets, such as a longer `callTimeoutMs` for a slow server. */
  readonly defaults?: TaskStoreOptions;
}

/** How a handle gets to its backend. */
export interface Way {
  /** undefined: as always. Given only where the target says that it takes `via`; {@link urlVia} applies it to a URL. */
  readonly via?: Via | undefined;
}

/** A connection string with the address in it that `via` gives for its own. @throws Error if it has no port */
export async function urlVia(url: string, via: Via | undefined): Promise<string> {
  if (via === undefined) return url;
  const { host, port } = await via(targetAddress(url));
  const changed = new URL(url);
  changed.hostname = host;
  changed.port = String(port);
  return changed.href;
}

/** A target out of a function that opens your store. @throws OptionError without that function */
export function storeTarget(options: StoreTargetOptions): Target {
  const { open, setup, dispose, restart, setBack, ...description } = options;
  checkOpen("storeTarget", open);
  return {
    ...description,
    namespace: () =>
      namespaceOf({ setup, dispose, restart, setBack }, (namespaceId, opened) => ({
        async open({ settings = {}, via, clock } = {}) {
          return atClock(clock, async () => {
            const store = await open(namespaceId, settings, { via });
            checkOpened(store, "TaskStore");
            opened.push(() => store.close({ graceMs: CLOSE_GRACE_MS }));
            await store.setup();
            return store;
          });
        },
      })),
  };
}

/**
 * A target out of a function that opens your driver: the rules about drivers judge it bare, all others judge the store
 * that `createTaskStore` of core makes of it.
 * @throws OptionError without that function
 */
export function driverTarget(options: DriverTargetOptions): Target {
  const { open, defaults, setup, dispose, restart, setBack, ...description } = options;
  checkOpen("driverTarget", open);
  const openChecked = async (namespaceId: string, way: Way): Promise<TaskDriver> => {
    const driver = await open(namespaceId, way);
    checkOpened(driver, "TaskDriver");
    return driver;
  };
  return {
    ...description,
    namespace: () =>
      namespaceOf({ setup, dispose, restart, setBack }, (namespaceId, opened) => ({
        async open({ settings = {}, via, clock, around = same } = {}) {
          return atClock(clock, async () => {
            const driver = around(await openChecked(namespaceId, { via }));
            const store = createTaskStore(driver, { ...defaults, ...settings });
            opened.push(() => store.close({ graceMs: CLOSE_GRACE_MS }));
            await store.setup();
            return store;
          });
        },
        async openDriver({ via } = {}) {
          const driver = await openChecked(namespaceId, { via });
          opened.push(() => driver.close());
          await driver.setup();
          return driver;
        },
      })),
  };
}

const CLOSE_GRACE_MS = 1_000;

function same(driver: TaskDriver): TaskDriver {
  return driver;
}

async function atClock(clock: OpenOptions["clock"], open: () => Promise<TaskStore>): Promise<TaskStore> {
  if (clock === undefined) return open();
  return withWallClock(await atWallClock(clock.offsetMs, open), clock.offsetMs);
}

/** @param ways how to open something in the namespace of this id; each leaves behind how to close it */
async function namespaceOf(
  { setup, dispose, restart, setBack }: NamespaceParts,
  ways: (namespaceId: string, opened: (() => Promise<void>)[]) => Pick<TargetNamespace, "open" | "openDriver">,
): Promise<TargetNamespace> {
  const namespaceId = `kit_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
  await setup?.(namespaceId);
  const opened: (() => Promise<void>)[] = [];
  return {
    ...ways(namespaceId, opened),
    ...(restart === undefined ? {} : { restart: () => restart(namespaceId) }),
    ...(setBack === undefined ? {} : { setBack: (ms) => setBack(namespaceId, ms) }),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(opened.map(async (close) => close()));
      await dispose?.(namespaceId);
    },
  };
}
