/** What the demo sees of its MCP server. */
import type { DispatchReason } from "@mcp-task-store/sdk/v2";

export interface TaskServer {
  /** For people: "pid 4711". */
  readonly where: string;
  readonly port: number;
  readonly isAlive: boolean;
  /** Takes it away without warning. Resolves when it is gone. */
  lose(): Promise<void>;
  /** Lets it end in good order, by force if it takes too long. Twice is harmless. */
  stop(): Promise<void>;
}

export interface TaskServerOptions {
  /** 0: a free one. */
  readonly port: number;
  /** Takes the ids of tasks that a worker should run. */
  readonly onDispatch: (taskId: string, reason: DispatchReason) => void;
  /** Takes its troubles, a line each. */
  readonly onTrouble: (line: string) => void;
}
