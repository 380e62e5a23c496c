/** What every act of the demo works with. */
import type { TaskStore } from "@mcp-task-store/core";
import type { TaskClient } from "@mcp-task-store/example-servers/task-client";
import type { Backend } from "./backends/backend.ts";
import type { DigestOrder, DigestResult } from "./digest-files.ts";
import type { Printer } from "./printer.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Service } from "./server/service.ts";
import type { Crew } from "./workers/crew.ts";

export interface Stage {
  readonly backend: Backend;
  /** The MCP server. */
  readonly service: Service;
  /** The MCP client, with alice's token. */
  readonly alice: TaskClient;
  /** Another, with bob's. */
  readonly bob: TaskClient;
  readonly crew: Crew;
  /** This process's own handle, to look at what a client does not see. */
  readonly store: TaskStore;
  readonly order: DigestOrder;
  readonly expected: DigestResult;
  readonly random: SeededRandom;
  readonly seed: number;
  readonly printer: Printer;
  /** Fires when the demo is to stop. */
  readonly signal: AbortSignal;
}

export function short(taskId: string): string {
  return taskId.slice(0, 8);
}
