import { createTaskStore, taskExecution, type TaskDriver, type TaskStore } from "@mcp-task-store/core";
import type { StoreSettings, Target, TargetNamespace, TaskExecution } from "../target.ts";
import { ReferenceBackend } from "./reference-backend.ts";

/** What a fault is planted with. */
export interface Plot {
  /** The tasks, for faults behind the driver's back. Shared by all handles of a namespace. */
  readonly backend: ReferenceBackend;
  /** What all handles of a namespace know, for faults that need a memory. */
  readonly notes: Map<string, string>;
  /** Called where the fault does its harm: a mutant that never fired was not killed. */
  readonly fired: () => void;
}

/** One fault in an otherwise correct store, by the layer it sits in. */
export interface Layers {
  readonly driver?: (driver: TaskDriver, plot: Plot) => TaskDriver;
  readonly settings?: (settings: StoreSettings, plot: Plot) => StoreSettings;
  readonly store?: (store: TaskStore, plot: Plot) => TaskStore;
  readonly execute?: (fired: () => void) => TaskExecution;
  /** The target lies: every `open` gives the same store. */
  readonly sameStore?: true;
}

export interface MutantDefinition extends Layers {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly fault: string;
  /** Rules that must fail. */
  readonly killedBy: readonly string[];
  /** Rules, or themes, that may fail too, or be unable to run: reviewed, since the fault does touch them. */
  readonly mayAlso?: readonly string[];
}

export interface Mutant extends Pick<MutantDefinition, "name" | "fault" | "killedBy"> {
  readonly mayAlso: readonly string[];
  /** A fresh target with the fault in it, and how often the fault did its harm. */
  plant(): { readonly target: Target; readonly fired: () => number };
}

export function defineMutant(definition: MutantDefinition): Mutant {
  const { name, fault, killedBy, mayAlso = [] } = definition;
  return {
    name,
    fault,
    killedBy,
    mayAlso,
    plant() {
      let count = 0;
      const target = targetWith(name, definition, () => {
        count += 1;
      });
      return { target, fired: () => count };
    },
  };
}

/** The correct store that mutants are made from. */
export function referenceTarget(): Target {
  return targetWith("reference", {}, () => undefined);
}

function targetWith(name: string, layers: Layers, fired: () => void): Target {
  return {
    name,
    concurrency: 16,
    taskExecution: layers.execute?.(fired) ?? taskExecution,
    namespace: async () => namespaceWith(layers, fired),
  };
}

function namespaceWith(layers: Layers, fired: () => void): TargetNamespace {
  const backend = new ReferenceBackend();
  const plot: Plot = { backend, notes: new Map(), fired };
  const stores: TaskStore[] = [];
  const opened = (settings: StoreSettings): TaskStore => {
    const driver = layers.driver?.(backend.driver(), plot) ?? backend.driver();
    const store = createTaskStore(driver, layers.settings?.(settings, plot) ?? settings);
    return layers.store?.(store, plot) ?? store;
  };
  return {
    async open({ settings = {} } = {}) {
      const [first] = stores;
      if (layers.sameStore === true && first !== undefined) {
        fired();
        return first;
      }
      const store = opened(settings);
      stores.push(store);
      return store;
    },
    restart: async () => backend.restart(),
    async [Symbol.asyncDispose]() {
      // A mutant's own close may hang; nothing of it outlives the process.
      for (const store of stores) void store.close({ graceMs: 100 }).catch(() => undefined);
    },
  };
}
