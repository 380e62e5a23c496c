import { CallRunner } from "./call-runner.ts";
import { Engine } from "./engine.ts";
import { HintPublisher } from "./hint-publisher.ts";
import { Maintenance } from "./maintenance.ts";
import { MessageCalls } from "./message-calls.ts";
import type { TaskStoreOptions } from "./options.ts";
import { resolveOptions, type ResolvedOptions } from "./resolve-options.ts";
import type { TaskDriver } from "./task-driver.ts";
import { WaiterHub } from "./waiters.ts";

/** The parts of one store, wired: the root view and all scoped views share them. */
export interface StoreCore {
  readonly driver: TaskDriver;
  readonly options: ResolvedOptions;
  readonly calls: CallRunner;
  readonly engine: Engine;
  /** undefined: the backend keeps none. */
  readonly messages: MessageCalls | undefined;
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
  const calls = new CallRunner(driver, options.callTimeoutMs);
  const engine = new Engine(driver, calls, {
    maxInputsBytes: driver.capabilities.maxPayloadBytes,
    onChanged,
  });
  const hub = new WaiterHub({
    clock: engine.clock,
    read: async (taskIds, onPart) => await engine.read(taskIds, { onPart }, {}),
    hints: driver.hints,
    safetyPollMs: options.safetyPollMs,
    onError: options.onError,
  });
  const maintenance = new Maintenance(engine, options, onChanged);
  const messages =
    driver.capabilities.messages && driver.messages !== undefined
      ? new MessageCalls(driver.messages, calls, onChanged)
      : undefined;
  return { driver, options, calls, engine, messages, hub, maintenance, publisher };
}
