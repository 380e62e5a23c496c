/**
 * Tests that every adapter over a server runs alike: each file here is one `describe` of an adapter's test file, which says
 * how to open a place of its own on its server. With vitest, and for this repository alone.
 */
import type { TaskDriver } from "@mcp-task-store/core";
import type { PlantedDriver } from "../../src/driver-model/compare-planted.ts";

/** An empty place on a server, and ways to look behind the driver's back. Disposing of it closes its drivers. */
export interface Scratch extends PlantedDriver, AsyncDisposable {
  /** Another driver on the same place, as another process has. */
  another(): TaskDriver;
  /** Lets a task have expired at 5 ms after the epoch, and be due since then. */
  expire(taskId: string): Promise<void>;
  /** The messages of a task, in the order of their pushes; null: a text that is not kept any more. */
  storedMessages(taskId: string): Promise<readonly StoredMessage[]>;
}

export interface StoredMessage {
  readonly messageId: string;
  readonly text: string | null;
}

export type OpenScratch = () => Promise<Scratch>;
