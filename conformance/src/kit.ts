import type { RootCreateTaskParams, Task, TaskDriver, TaskOutcome, TaskStore } from "@mcp-task-store/core";
import type { Attempt } from "./attempt.ts";
import type { History } from "./history/history-data.ts";
import type { ProcessEnd } from "./process/target-process.ts";
import type { CallGate } from "./races/call-gate.ts";
import type { Bout, Duel } from "./races/duel.ts";
import type { Random } from "./random.ts";
import type { SdkHandle } from "./sdk-v1/sdk-interfaces.ts";
import type { StoreSettings, TaskExecution, Via } from "./target.ts";
import type { Timing } from "./timing.ts";
import type { Wire } from "./wire/wire.ts";

/** A handle, and the wire that it alone goes by. */
export interface Wired {
  readonly store: TaskStore;
  readonly wire: Wire;
}

/** What a rule works with. Two handles, fresh principals, time without sleeping, races. */
export interface Kit {
  /** Two processes' stores on the same tasks; the same one twice where the store knows only one process. */
  readonly A: TaskStore;
  readonly B: TaskStore;
  readonly timing: Timing;
  readonly random: Random;
  readonly execute: TaskExecution;
  /** Tasks that the rule's settings handed to `announce`, in order. */
  readonly orphans: readonly Task[];
  /** The calls on each of the rule's tasks until now; none, unless the rule wants them judged. */
  readonly histories: readonly History[];
  /** Fires when the rule is over. */
  readonly signal: AbortSignal;

  /** Whether two handles have the same tasks. Where it is false, A and B are one, and a further one is a store of its own. */
  readonly opensTwice: boolean;
  /** A further handle in the rule's namespace, closed at its end. */
  open(settings?: StoreSettings): Promise<TaskStore>;
  /** A further bare driver in the rule's namespace, closed at its end. Only where the rule needs "driver". */
  driver(via?: Via): Promise<TaskDriver>;
  /** The store as the interfaces of the SDK 1.x have it. Only where the rule needs "sdkV1". */
  sdk(): Promise<SdkHandle>;
  /**
   * A further handle, and the wire that it alone goes by. Only where the target takes `via`. Its calls have a minute,
   * unless the settings say otherwise.
   */
  wired(settings?: StoreSettings): Promise<Wired>;
  /** A wire for one handle to go by, closed at the rule's end. */
  wire(): Wire;
  /** Whether the target takes `via`. */
  readonly takesVia: boolean;
  /** A further handle in a process whose wall clock is wrong by so much. Only where the rule needs "clock". */
  skewed(offsetMs: number): Promise<TaskStore>;
  /** Moves the backend's clock forward, where the target can; {@link elapse} does it by itself. */
  readonly advance: ((ms: number) => Promise<void>) | undefined;
  /** Sets the backend's clock back, where the target can. */
  readonly setBack: ((ms: number) => Promise<void>) | undefined;
  /** Restarts the target; handles opened before are dead. Only where the rule needs "restart". */
  restart(): Promise<void>;
  /** The same principal for the same name within this rule, and nobody else's. */
  principal(name: string): string;
  /** An id that no other task has. */
  taskId(name: string): string;
  /** A fresh working task of a fresh principal, made by A. */
  task(params?: RootCreateTaskParams): Promise<Task>;
  /** A fresh task that ended so, as a read with its outcome shows it. A cancelled one may be gone by now. */
  ended(outcome: TaskOutcome): Promise<Task>;
  /** A fresh task in input_required, asked for `keys`. */
  asked(keys: readonly string[]): Promise<Task>;

  /**
   * Runs a process that opens the target, uses it and closes it, and waits until it has ended by itself, at most D. Only
   * where the rule needs "file".
   * @throws CouldNotRun if it could not even use the store, or if a process that does nothing did not end either
   */
  processEnd(): Promise<ProcessEnd>;
  /**
   * Returns when the backend's clock is at least `ms` past the moment of the call: a canary, a task with that ttl, is
   * gone by then.
   * @throws CouldNotRun if it still is there at the deadline
   */
  elapse(ms: number): Promise<void>;
  /**
   * Does something that counts only if all of it takes less than the `ms` it is given, by a monotonic clock: "still
   * there" is no news otherwise. Starts with L and doubles it up to five times. `fromNow` starts the clock anew;
   * undefined calls the attempt void whatever time it took.
   * @throws CouldNotRun if it never was fast enough
   */
  within<T>(act: (ms: number, fromNow: () => void) => Promise<T | undefined>): Promise<T>;
  /**
   * Reads again until the condition holds or D, and `extraMs`, is over, and at least 20 times unless it holds; returns
   * what was read last.
   */
  until<T>(read: () => Promise<T>, condition: (value: T) => boolean, extraMs?: number): Promise<T>;
  /**
   * How a call ended that must end: "pending" if it has not at the deadline D and `extraMs`, although a fresh task could
   * be made, changed, waited for and read then.
   * @throws CouldNotRun if that control failed too
   */
  settles<T>(call: Promise<T>, extraMs?: number): Promise<Attempt<T>>;
  /** Whether a call is unsettled now, after all turns that were due. */
  isPending(call: Promise<unknown>): Promise<boolean>;
  /**
   * Lets two calls race for each of many subjects: in every order of their steps, where the target lets the kit hold
   * them, and in both orders with many distances between their starts. Meanwhile `A` and `B` are handles that can be
   * held, so the calls must take them from the kit when they run.
   */
  duel<T, L, R, F>(duel: Duel<T, L, R, F>): Promise<readonly Bout<T, L, R, F>[]>;
  /** The store with calls that can be held: for races of what works on a store from outside. They count as forced. */
  gate(store: TaskStore): CallGate;
  /**
   * Starts all calls, shuffled and with random distances or in a random order of their steps, and waits for all. The
   * answers are in the given order. `A` and `B`: as in a duel.
   */
  scramble<T>(calls: readonly (() => Promise<T>)[]): Promise<readonly Attempt<T>[]>;
}
