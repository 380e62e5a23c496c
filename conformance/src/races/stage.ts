import { Scheduler } from "../scheduler/scheduler.ts";
import { scheduled } from "../scheduler/scheduled-driver.ts";
import type { OpenOptions, StoreSettings, TargetNamespace } from "../target.ts";
import { Wire } from "../wire/wire.ts";
import type { TaskStore } from "@mcp-task-store/core";
import { anyEnd } from "../attempt.ts";
import type { Stage } from "./duel.ts";

/** How long nothing may happen before who still waits is called stuck, ms: longer than stores pause before a repeat. */
const PATIENCE_MS = 1_500;

/** Handles A and B, and what the kit can hold them by. */
export interface StagedHandles extends AsyncDisposable {
  readonly handles: readonly [TaskStore, TaskStore];
  readonly stage: Stage;
}

/**
 * Opens two handles whose steps the kit can hold: by their drivers, by their connections, or by both.
 * @returns undefined if the target has neither
 */
export async function openStage(
  namespace: TargetNamespace,
  settings: StoreSettings,
  via: boolean,
): Promise<StagedHandles | undefined> {
  const scheduler = namespace.openDriver === undefined ? undefined : new Scheduler({ patienceMs: PATIENCE_MS });
  const wires = via ? ([new Wire(), new Wire()] as const) : undefined;
  if (scheduler === undefined && wires === undefined) return undefined;
  const open = (wire: Wire | undefined, name: string): Promise<TaskStore> => {
    const options: OpenOptions = {
      settings,
      ...(wire === undefined ? {} : { via: (backend) => wire.to(backend) }),
      ...(scheduler === undefined ? {} : { around: (driver) => scheduled(driver, scheduler, name) }),
    };
    return namespace.open(options);
  };
  const a = await open(wires?.[0], "A");
  const b = await open(wires?.[1], "B");
  // So that no call of a race has to connect first, or to ask for the backend's clock.
  for (const store of [a, b]) await store.deleteTask("warm-up");
  return {
    handles: [a, b],
    stage: { scheduler, wires },
    async [Symbol.asyncDispose]() {
      for (const store of [a, b]) await anyEnd(() => store.close({ graceMs: 100 }));
      for (const wire of wires ?? []) await wire.close();
    },
  };
}
