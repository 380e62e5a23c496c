import { Engine } from "./engine.ts";
import { HintPublisher } from "./hint-publisher.ts";
import { Maintenance } from "./maintenance.ts";
import type { TaskStoreOptions } from "./options.ts";
import { resolveOptions, type ResolvedOptions } from "./resolve-options.ts";
import type { TaskDriver } from "./task-driver.ts";
import { WaiterHub } from "./waiters.ts";

/** The parts of one store, wired: the root view and all scoped views share them. */
export interface StoreCore {
  readonly driver: TaskDriver;
  readonly options: ResolvedOptions;
  readonly engine: Engine;
  readonly hub: WaiterHub;
  readonly maintenance: Maintenance;
  readonly publisher: HintPublisher;
}

export function createStoreCore(driver: TaskDriver, given: TaskStoreOptions): StoreCore {
  const options = resolveOptions(given, driver.capabilities);
  const publisher = new HintPublisher(driver.hints, options.callTimeoutMs, options.onError);
  // Waiters of this process need not wait for the round trip of a hint.
  const onChanged = (taskIds: readonly string[]): void => {
    hub.hint(taskIds);
    publisher.add(taskIds);
  };
  const engine = new Engine(driver, {
    callTimeoutMs: options.callTimeoutMs,
    maxInputsBytes: driver.capabilities.maxPayloadBytes,
    onChanged,
  });
  const hub = new WaiterHub({
    clock: engine.clock,
    read: async (taskIds) => await engine.read(taskIds, {}, {}),
    hints: driver.hints,
    safetyPollMs: options.safetyPollMs,
    onError: options.onError,
  });
  return { driver, options, engine, hub, maintenance: new Maintenance(engine, options, onChanged), publisher };
}
