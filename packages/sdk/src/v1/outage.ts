import { isTaskStoreError } from "@mcp-task-store/core";
import { pause } from "../pause.ts";

const RETRY_MS = 1_000;

/** Whether a call on the store may work when it is repeated. */
export function isOutage(error: unknown): boolean {
  return isTaskStoreError(error, "STORE_UNAVAILABLE") || isTaskStoreError(error, "WRITE_OUTCOME_UNKNOWN");
}

/** Repeats what meets an outage. @param signal fires when nobody waits any more @throws whatever else it meets */
export async function throughOutages<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error)) throw error;
      await pause(RETRY_MS, signal);
      if (signal.aborted) throw error;
    }
  }
}
