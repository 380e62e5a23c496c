import type { Task, TaskContext, TaskDriver, TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import type { JsonObject } from "@mcp-task-store/core";
import type { PromiseId } from "./rule.ts";
import type { SdkHandle } from "./sdk-v1/sdk-interfaces.ts";

/** What rules ask of a store's options. Everything else is the target's own business. */
export interface StoreSettings extends Pick<
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
> {
  /**
   * How many tasks a principal may have that have not ended; one more is QUOTA_EXCEEDED. Core has no such setting: a
   * target that can set it says so in {@link Target.settings}.
   */
  readonly quota?: number | undefined;
}

export type SettingName = keyof StoreSettings;

/** Where a backend listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Gives the address to connect to in place of a backend's own: the kit's proxy, which breaks and delays connections. */
export type Via = (backend: Address) => Promise<Address>;

/** What a handle is opened with. */
export interface OpenOptions {
  readonly settings?: StoreSettings;
  /** The handle's process has a wall clock that is wrong by this. Only where the target has `clock`. */
  readonly clock?: { readonly offsetMs: number };
  /** The way to the backend, for this handle and no other. Only where the target says that it takes `via`. */
  readonly via?: Via;
  /** Stands between the store and its driver. Only where the namespace has `openDriver`. */
  readonly around?: (driver: TaskDriver) => TaskDriver;
}

/** An empty place for tasks, of which other namespaces see nothing. Disposing of it closes what was opened in it. */
export interface TargetNamespace extends AsyncDisposable {
  /** A new handle on the same tasks, set up and ready. Opened twice it is what two processes would have. */
  open(options?: OpenOptions): Promise<TaskStore>;
  /**
   * A new bare driver on the same tasks, set up and ready: for the rules about drivers. Where it is there, the stores of
   * `open` stand over such drivers, and put `around` in between.
   */
  openDriver?(options?: { readonly via?: Via }): Promise<TaskDriver>;
  /** The store as the interfaces of the SDK 1.x have it: for the rules `v1/*`. `sdkV1Target` of `/sdk-v1` makes it. */
  openSdkV1?(): Promise<SdkHandle>;
  /**
   * A hard stop of every process that uses the namespace, and of its backend where that is the target's own: handles
   * opened before are dead, acknowledged writes are not.
   */
  restart?(): Promise<void>;
  /** Moves the backend's clock forward; replaces waiting. */
  advance?(ms: number): Promise<void>;
  /** Sets the backend's clock back, as an operator or a time server would. */
  setBack?(ms: number): Promise<void>;
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
  /** Settings that `open` can set; rules that need another one are not applicable. @default all but `quota` */
  readonly settings?: readonly SettingName[];
  /**
   * Whether opening a namespace twice gives two handles on the same tasks. Otherwise rules use one handle twice.
   * @default the store's capability `multiProcess`
   */
  readonly opensTwice?: boolean;
  /**
   * The set of rules that judges it, such as "0.1": newer rules are reported without a say in the verdict, so that an
   * update of the kit turns nothing red. @default the newest that the kit knows
   */
  readonly ruleset?: string;
  /** Ids of the rules that the target's interface can express; others are not applicable. @default all */
  readonly rules?: readonly string[];
  /** Whether handles connect through the `via` that they are opened with. @default false */
  readonly via?: boolean;
  /** How many rules may run at a time. @default 8 */
  readonly concurrency?: number;
  /**
   * Every rule gets a namespace of its own, not only those that must have one: for a backend whose calls cost more the
   * more tasks it has. @default false
   */
  readonly isolated?: boolean;
  /** `open` can give a handle, on the same tasks, whose process has a wrong wall clock. @default false */
  readonly clock?: boolean;
  /**
   * The module that exports this target, as `target` or as its default; its path or URL: for rules that need a process of
   * their own. @default the file that the command was given
   */
  readonly file?: string;
  /** Variables that such a process gets besides those of this one. */
  readonly fileEnv?: Readonly<Record<string, string>>;
  /** @default core's */
  readonly taskExecution?: TaskExecution;
  namespace(): Promise<TargetNamespace>;
  /** Ends what the target itself started, such as a server. Called once, at the end of a run. */
  close?(): Promise<void>;
}
