import type { Task, TaskContext, TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import type { JsonObject } from "@mcp-task-store/core";
import type { PromiseId } from "./rule.ts";

/** What rules ask of a store's options. Everything else is the target's own business. */
export type StoreSettings = Pick<
  TaskStoreOptions,
  | "maintenance"
  | "onOrphan"
  | "orphanPolicy"
  | "maxAttempts"
  | "claimWithinMs"
  | "leaseMs"
  | "maxRunMs"
  | "graceMs"
  | "safetyPollMs"
  | "callTimeoutMs"
  | "defaultTtlMs"
  | "maxTtlMs"
  | "maxPayloadBytes"
>;

export type SettingName = keyof StoreSettings;

/** An empty place for tasks, of which other namespaces see nothing. Disposing of it closes what was opened in it. */
export interface TargetNamespace extends AsyncDisposable {
  /** A new handle on the same tasks, set up and ready. Opened twice it is what two processes would have. */
  open(options?: { readonly settings?: StoreSettings }): Promise<TaskStore>;
  /**
   * A hard stop of every process that uses the namespace, and of its backend where that is the target's own: handles
   * opened before are dead, acknowledged writes are not.
   */
  restart?(): Promise<void>;
  /** Moves the backend's clock forward; replaces waiting. */
  advance?(ms: number): Promise<void>;
}

/** `taskExecution` of core, or a store's own. */
export type TaskExecution = (
  store: TaskStore,
  taskId: string,
  handler: (context: TaskContext) => Promise<JsonObject | undefined | void>,
  options?: {
    readonly holder?: string;
    readonly leaseMs?: number;
    readonly maxRunMs?: number;
    readonly signal?: AbortSignal;
  },
) => Promise<Task>;

/** A store to be judged, and what the kit may do to it. */
export interface Target {
  readonly name: string;
  readonly version?: string;
  /** @default all ten */
  readonly claims?: readonly PromiseId[];
  /** Settings that `open` can set; rules that need another one are not applicable. @default all */
  readonly settings?: readonly SettingName[];
  /**
   * Whether opening a namespace twice gives two handles on the same tasks. Otherwise rules use one handle twice.
   * @default the store's capability `multiProcess`
   */
  readonly opensTwice?: boolean;
  /** How many rules may run at a time. @default 8 */
  readonly concurrency?: number;
  /** @default core's */
  readonly taskExecution?: TaskExecution;
  namespace(): Promise<TargetNamespace>;
}
