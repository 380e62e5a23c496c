import { fileURLToPath } from "node:url";
import {
  createTaskStore,
  taskExecution,
  type TaskDriver,
  type TaskStore,
  type TaskStoreOptions,
} from "@mcp-task-store/core";
import type {
  OpenOptions,
  SettingName,
  StoreSettings,
  Target,
  TargetNamespace,
  TaskExecution,
  Via,
} from "../target.ts";
import { atWallClock, withWallClock } from "../wall-clock.ts";
import { type QuotaFault, withQuota } from "./quota-driver.ts";
import { ReferenceBackend } from "./reference-backend.ts";
import { ReferenceServer, remoteDriver } from "./remote-reference.ts";

/** Names the mutant that a process of planted-target.ts is. */
export const MUTANT_VARIABLE = "MCP_TASK_STORE_MUTANT";

/** What a fault is planted with. */
export interface Plot {
  /** The tasks, for faults behind the driver's back. Shared by all handles of a namespace. */
  readonly backend: ReferenceBackend;
  /** What all handles of a namespace know, for faults that need a memory. */
  readonly notes: Map<string, string>;
  /** Called where the fault does its harm: a mutant that never fired was not killed. */
  readonly fired: () => void;
}

/** What is other than in the reference, by the layer it sits in. */
export interface Layers {
  readonly driver?: (driver: TaskDriver, plot: Plot) => TaskDriver;
  /** In the drivers that rules about drivers get, and nowhere else: the stores stay right. */
  readonly bare?: (driver: TaskDriver, plot: Plot) => TaskDriver;
  readonly settings?: (settings: StoreSettings, plot: Plot) => StoreSettings;
  readonly store?: (store: TaskStore, plot: Plot) => TaskStore;
  readonly execute?: (fired: () => void) => TaskExecution;
  readonly quota?: QuotaFault;
  /** A fault that only shows in a process that the kit starts; `store` does not count there. */
  readonly child?: (store: TaskStore) => TaskStore;
  /** The target lies: every `open` gives the same store. */
  readonly sameStore?: true;
  /** The target lies: it takes `via` and connects past it. */
  readonly pastVia?: true;
  /** The target lies: its restart does nothing. */
  readonly restartNoop?: true;
  /** In place of a target that cannot move the clock. */
  readonly advance?: (plot: Plot) => (ms: number) => Promise<void>;
  /** Mends, at the end of a run, what the fault did outside of the target. */
  readonly dispose?: () => void;
}

/** Built, it lies beside the other entries; in the repository it is TypeScript, as this file is. */
const PLANTED_TARGET = import.meta.url.endsWith(".ts") ? "./planted-target.ts" : "./planted-target.js";

/** All that `open` can set. */
const SETTINGS: readonly SettingName[] = [
  "maintenance",
  "onOrphan",
  "orphanPolicy",
  "maxAttempts",
  "claimWithinMs",
  "leaseMs",
  "maxRunMs",
  "graceMs",
  "safetyPollMs",
  "callTimeoutMs",
  "defaultTtlMs",
  "maxTtlMs",
  "maxPayloadBytes",
  "quota",
];

export const REFERENCE = "reference";

/** Dozens of these stores are judged in one process, which keeps calls waiting; less than the kit waits for one. */
const PATIENT: TaskStoreOptions = { callTimeoutMs: 25_000 };

/**
 * The correct store with these layers around it.
 * @param name of a mutant, or {@link REFERENCE}
 * @param fired called by faults
 */
export function targetWith(name: string, layers: Layers, fired: () => void): Target {
  let opened = 0;
  return {
    name,
    concurrency: 16,
    settings: SETTINGS,
    clock: true,
    via: true,
    // A process takes its time: only for those mutants that show in one, and for the correct store.
    ...(layers.child === undefined && name !== REFERENCE ? {} : inProcesses(name, fired)),
    taskExecution: layers.execute?.(fired) ?? taskExecution,
    namespace: async () => {
      // The first one lasts as long as the run.
      opened += 1;
      return namespaceWith(layers, fired, opened === 1 ? layers.dispose : undefined);
    },
  };
}

function inProcesses(name: string, fired: () => void): Pick<Target, "file" | "fileEnv"> {
  return {
    file: fileURLToPath(new URL(PLANTED_TARGET, import.meta.url)),
    // Its faults happen where nobody here sees them: that a process is started with them has to do.
    get fileEnv() {
      fired();
      return name === REFERENCE ? {} : { [MUTANT_VARIABLE]: name };
    },
  };
}

function same(driver: TaskDriver): TaskDriver {
  return driver;
}

function namespaceWith(layers: Layers, fired: () => void, disposed: (() => void) | undefined): TargetNamespace {
  const backend = new ReferenceBackend();
  const plot: Plot = { backend, notes: new Map(), fired };
  const stores: TaskStore[] = [];
  const server = new ReferenceServer(backend);
  const right = (via: Via | undefined): TaskDriver => {
    if (via === undefined) return backend.driver();
    if (layers.pastVia === true) fired();
    return remoteDriver(async () => (layers.pastVia === true ? server.address() : via(await server.address())));
  };
  const opened = async ({ settings: all = {}, via, around = same }: OpenOptions): Promise<TaskStore> => {
    const { quota, ...settings } = all;
    const inner = around(right(via));
    const plain = layers.driver?.(inner, plot) ?? inner;
    const driver = quota === undefined ? plain : withQuota(plain, plot, quota, layers.quota);
    const store = createTaskStore(driver, { ...PATIENT, ...(layers.settings?.(settings, plot) ?? settings) });
    stores.push(store);
    if (process.env[MUTANT_VARIABLE] !== undefined) return layers.child?.(store) ?? store;
    return layers.store?.(store, plot) ?? store;
  };
  return {
    async open(options = {}) {
      const [first] = stores;
      if (layers.sameStore === true && first !== undefined) {
        fired();
        return first;
      }
      const { clock } = options;
      if (clock === undefined) return opened(options);
      return withWallClock(await atWallClock(clock.offsetMs, () => opened(options)), clock.offsetMs);
    },
    openDriver: async ({ via } = {}) => layers.bare?.(right(via), plot) ?? right(via),
    async restart() {
      if (layers.restartNoop === true) return fired();
      backend.restart();
      server.restart();
    },
    setBack: async (ms) => backend.setBack(ms),
    ...(layers.advance === undefined ? {} : { advance: layers.advance(plot) }),
    async [Symbol.asyncDispose]() {
      await server.close();
      // A mutant's own close may hang; nothing of it outlives the process.
      for (const store of stores) void store.close({ graceMs: 100 }).catch(() => undefined);
      disposed?.();
    },
  };
}
