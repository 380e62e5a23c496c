/** Where the demo's tasks live, and what differs between the backends. */
import type { Target } from "@mcp-task-store/conformance";
import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import type { TaskServer, TaskServerOptions } from "../server/task-server.ts";
import type { Worker } from "../workers/worker.ts";

export interface Backend extends AsyncDisposable {
  /** For people: which server, and whose processes. */
  readonly description: string;
  /** Where others are that use the same tasks: "process". */
  readonly peer: string;
  /** What happens to a lost worker, for people: "SIGKILL:", and "killed". */
  readonly lossBy: string;
  readonly lost: string;
  /** Tasks outlive the server's process. */
  readonly canLoseServer: boolean;
  /** What a run on this backend does not show. */
  readonly limits: readonly string[];
  /** This very store, for the conformance kit; in a place of its own. */
  readonly target: Target;
  /** A handle for this process; the caller closes it. */
  openStore(options: TaskStoreOptions): TaskStore;
  startServer(options: TaskServerOptions): Promise<TaskServer>;
  startWorker(name: string, onTrouble: (line: string) => void): Worker;
  /** Ends what was started for it. */
  [Symbol.asyncDispose](): Promise<void>;
  /** What is still there after that. */
  leftovers(): Promise<readonly string[]>;
}
