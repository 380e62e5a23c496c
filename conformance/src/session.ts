import { setMaxListeners } from "node:events";
import { setImmediate, setTimeout } from "node:timers/promises";
import type { RootCreateTaskParams, Task, TaskDriver, TaskOutcome, TaskStore } from "@mcp-task-store/core";
import { anyEnd, attempt, type Attempt, CouldNotRun, stillThere } from "./attempt.ts";
import { controlTask } from "./control-task.ts";
import type { History, HistoryAllowances } from "./history/history-data.ts";
import { HistoryRecording } from "./history/history-recording.ts";
import { recordHistory } from "./history/record-history.ts";
import { inTime } from "./in-time.ts";
import { Journal, observed } from "./journal.ts";
import type { Kit, Wired } from "./kit.ts";
import { endOfProcess, type ProcessEnd } from "./process/target-process.ts";
import { CallGate } from "./races/call-gate.ts";
import { type Bout, type Duel, type Raced, type Ring, runDuel, runScramble } from "./races/duel.ts";
import { openStage, type StagedHandles } from "./races/stage.ts";
import { type Strength, weakestOf } from "./races/strength.ts";
import { questionFor } from "./question.ts";
import type { Random } from "./random.ts";
import { readUntil } from "./read-until.ts";
import type { SdkHandle } from "./sdk-v1/sdk-interfaces.ts";
import type { StoreSettings, Target, TargetNamespace, TaskExecution, Via } from "./target.ts";
import { DEFAULT_DEADLINE_MS, type Timing } from "./timing.ts";
import { Wire } from "./wire/wire.ts";

/** How often a rule may double its unit before the machine is called too slow for it. */
const DOUBLINGS = 5;

/** When a call is given up, in deadlines D: later than a rule itself gives up on a call that it bounds. */
const CALL_DEADLINES = 3;

/** The same for calls that wait for each other while the kit holds them. */
const HELD_CALL_DEADLINES = 6;

/** More time for each call of a handle that the kit holds on purpose. */
const PATIENCE: StoreSettings = { callTimeoutMs: 60_000 };

export interface SessionParts {
  readonly ruleId: string;
  readonly target: Pick<Target, "file" | "fileEnv">;
  readonly namespace: TargetNamespace;
  readonly handles: readonly [TaskStore, TaskStore];
  readonly settings: StoreSettings;
  /** Those settings that the target can set. */
  readonly able: (settings: StoreSettings) => StoreSettings;
  readonly timing: Timing;
  readonly random: Random;
  readonly journal: Journal;
  readonly execute: TaskExecution;
  readonly orphans: readonly Task[];
  readonly opensTwice: boolean;
  /** The target takes `via`. */
  readonly via: boolean;
  /** The rule wants its histories judged, with these freedoms. */
  readonly histories: HistoryAllowances | undefined;
}

/** The kit of one play of one rule. */
export class Session implements Kit {
  A: TaskStore;
  B: TaskStore;
  readonly timing: Timing;
  readonly random: Random;
  readonly execute: TaskExecution;
  readonly orphans: readonly Task[];
  readonly signal: AbortSignal;
  readonly #parts: SessionParts;
  readonly #recording: HistoryRecording | undefined;
  readonly #opened: TaskStore[] = [];
  readonly #drivers: TaskDriver[] = [];
  readonly #wires: Wire[] = [];
  readonly #over = new AbortController();
  readonly #strengths: Strength[] = [];
  #staged: Promise<StagedHandles | undefined> | undefined;
  /** Races take turns: there is one pair of handles that can be held. */
  #racing: Promise<unknown> = Promise.resolve();
  #scrambles = 0;
  #unseenA: TaskStore;
  #names = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.timing = parts.timing;
    this.random = parts.random;
    this.execute = parts.execute;
    this.orphans = parts.orphans;
    this.signal = this.#over.signal;
    // Hundreds of waits end by it: Node 20 takes more than ten for a leak.
    setMaxListeners(0, this.signal);
    const { histories, namespace } = parts;
    // Of the SDK's interfaces these two are all that is sure: the rest of a task is made up around them.
    const shows = namespace.openSdkV1 === undefined ? undefined : [];
    this.#recording = histories && new HistoryRecording({ allows: histories, shows });
    this.#unseenA = this.#unseen(parts.handles[0]);
    this.A = this.#observed(parts.handles[0], "A");
    this.B = parts.handles[0] === parts.handles[1] ? this.A : this.#observed(parts.handles[1], "B");
  }

  #observed(store: TaskStore, name: string, deadlines = CALL_DEADLINES): TaskStore {
    const told = this.#recording === undefined ? store : recordHistory(store, this.#recording, name);
    return observed(told, name, this.#parts.journal, this.#callMs(deadlines));
  }

  /** A handle for calls of the kit's own: a rule's failure shows none of them. */
  #unseen(store: TaskStore): TaskStore {
    return observed(store, "A", new Journal(), this.#callMs(CALL_DEADLINES));
  }

  #callMs(deadlines: number): number {
    return deadlines * Math.max(DEFAULT_DEADLINE_MS, this.timing.deadlineMs);
  }

  get histories(): readonly History[] {
    const recording = this.#recording;
    return recording === undefined ? [] : recording.taskIds.map((taskId) => recording.history(taskId));
  }

  /** Ends what the rule left running. */
  async end(): Promise<void> {
    this.#over.abort();
    await anyEnd(async () => (await this.#staged)?.[Symbol.asyncDispose]());
    const lent = new Set(this.#parts.handles);
    const own = this.#opened.filter((store) => !lent.has(store));
    // One that hangs is for the rules about closing: the others have their turn.
    const closed = (close: () => Promise<void>): Promise<unknown> => inTime(this.timing.deadlineMs, anyEnd(close));
    for (const store of own) await closed(() => store.close({ graceMs: 100 }));
    for (const driver of this.#drivers) await closed(() => driver.close());
    for (const wire of this.#wires) await wire.close();
  }

  get opensTwice(): boolean {
    return this.#parts.opensTwice;
  }

  async open(settings: StoreSettings = {}): Promise<TaskStore> {
    const store = await this.#parts.namespace.open({ settings: { ...this.#parts.settings, ...settings } });
    this.#opened.push(store);
    return this.#observed(store, `C${this.#opened.length}`);
  }

  async skewed(offsetMs: number): Promise<TaskStore> {
    const { namespace, settings } = this.#parts;
    const store = await namespace.open({ settings, clock: { offsetMs } });
    this.#opened.push(store);
    return this.#observed(store, `C${this.#opened.length} at ${offsetMs} ms`);
  }

  get advance(): ((ms: number) => Promise<void>) | undefined {
    const { namespace } = this.#parts;
    return namespace.advance?.bind(namespace);
  }

  get setBack(): ((ms: number) => Promise<void>) | undefined {
    const { namespace } = this.#parts;
    return namespace.setBack?.bind(namespace);
  }

  processEnd(): Promise<ProcessEnd> {
    const { file, fileEnv = {} } = this.#parts.target;
    if (file === undefined) throw new CouldNotRun("the target has no file");
    return endOfProcess(file, fileEnv, this.timing.deadlineMs);
  }

  get takesVia(): boolean {
    return this.#parts.via;
  }

  wire(): Wire {
    const wire = new Wire();
    this.#wires.push(wire);
    return wire;
  }

  async wired(settings: StoreSettings = {}): Promise<Wired> {
    const { namespace, settings: own, able } = this.#parts;
    const wire = this.wire();
    const via: Via = (backend) => wire.to(backend);
    const store = await namespace.open({ settings: able({ ...own, ...PATIENCE, ...settings }), via });
    this.#opened.push(store);
    return { store: this.#observed(store, `W${this.#opened.length}`), wire };
  }

  async sdk(): Promise<SdkHandle> {
    const { namespace } = this.#parts;
    if (namespace.openSdkV1 === undefined) throw new CouldNotRun("the target has no interfaces of the SDK 1.x");
    return namespace.openSdkV1();
  }

  async driver(via?: Via): Promise<TaskDriver> {
    const { namespace, journal } = this.#parts;
    if (namespace.openDriver === undefined) throw new CouldNotRun("the target opens no bare driver");
    const driver = await namespace.openDriver(via === undefined ? {} : { via });
    this.#drivers.push(driver);
    return observed(driver, `D${this.#drivers.length}`, journal, this.#callMs(CALL_DEADLINES));
  }

  async restart(): Promise<void> {
    const { namespace, settings } = this.#parts;
    if (namespace.restart === undefined) throw new CouldNotRun("the target offers no restart");
    await namespace.restart();
    const a = await namespace.open({ settings });
    const b = this.#parts.handles[0] !== this.#parts.handles[1] ? await namespace.open({ settings }) : a;
    this.#opened.push(a, b);
    this.#staged = undefined;
    this.#unseenA = this.#unseen(a);
    this.A = this.#observed(a, "A");
    this.B = a === b ? this.A : this.#observed(b, "B");
  }

  principal(name: string): string {
    return `${this.#parts.ruleId} ${this.random.seed} ${name}`;
  }

  taskId(name: string): string {
    return `${this.#parts.ruleId}.${this.random.seed}.${name}`;
  }

  task(params: RootCreateTaskParams = {}): Promise<Task> {
    this.#names += 1;
    return this.A.createTask({ principal: this.principal(`owner ${this.#names}`), ...params });
  }

  async ended(outcome: TaskOutcome): Promise<Task> {
    const generation = outcome.status === "failed" && "result" in outcome ? "2025-11-25" : null;
    const { taskId } = await this.task({ generation });
    const ended = await (outcome.status === "cancelled"
      ? this.A.cancelTask(taskId)
      : this.A.finishTask(taskId, outcome));
    const task = await this.A.getTask(taskId, { outcome: true });
    if (task !== undefined) return task;
    // It may vanish at once (S-59).
    if (outcome.status === "cancelled") return { ...ended, outcome };
    throw new CouldNotRun(`a task that was just ${outcome.status} is gone`);
  }

  async asked(keys: readonly string[]): Promise<Task> {
    const { taskId } = await this.task();
    return this.A.requestInputs(taskId, Object.fromEntries(keys.map((key) => [key, questionFor(key)])));
  }

  async elapse(ms: number): Promise<void> {
    const { namespace } = this.#parts;
    const canary = await this.#unseenA.createTask({ ttlMs: Math.max(ms, this.#unseenA.capabilities.minTtlMs) });
    if (namespace.advance !== undefined) {
      await namespace.advance(ms);
      if ((await this.#unseenA.getTask(canary.taskId)) === undefined) return;
      throw new CouldNotRun(`the target's advance(${ms}) did not move the backend's clock`);
    }
    const deadline = performance.now() + ms + this.timing.deadlineMs;
    await setTimeout(ms);
    while ((await this.#unseenA.getTask(canary.taskId)) !== undefined) {
      if (performance.now() > deadline) throw new CouldNotRun(stillThere(ms, this.timing.deadlineMs));
      await setTimeout(10);
    }
  }

  async within<T>(act: (ms: number, fromNow: () => void) => Promise<T | undefined>): Promise<T> {
    let ms = this.timing.unitMs;
    for (let doubling = 0; doubling <= DOUBLINGS; doubling += 1) {
      let started = performance.now();
      const seen = await act(ms, () => {
        started = performance.now();
      });
      if (seen !== undefined && performance.now() - started < ms) return seen;
      ms *= 2;
    }
    throw new CouldNotRun(`the calls took longer than ${ms / 2} ms, so nothing follows from their answers`);
  }

  until<T>(read: () => Promise<T>, condition: (value: T) => boolean, extraMs = 0): Promise<T> {
    return readUntil(read, condition, this.timing.deadlineMs + extraMs);
  }

  async settles<T>(call: Promise<T>, extraMs = 0): Promise<Attempt<T>> {
    const ended = await inTime(this.timing.deadlineMs + extraMs, attempt(call));
    if (ended !== undefined) return ended;
    const { deadlineMs } = this.timing;
    const control = await inTime(deadlineMs, anyEnd(controlTask(this.#unseenA, deadlineMs / 2)));
    if (control === undefined) throw new CouldNotRun("neither the call nor its control settled in time");
    if (control.kind === "rejected") throw new CouldNotRun("the control failed", { cause: control.error });
    return (await inTime(0, attempt(call))) ?? { kind: "pending" };
  }

  async isPending(call: Promise<unknown>): Promise<boolean> {
    await setImmediate();
    await setImmediate();
    return (await Promise.race([anyEnd(call), setImmediate(undefined)])) === undefined;
  }

  duel<T, L, R, F>(duel: Duel<T, L, R, F>): Promise<readonly Bout<T, L, R, F>[]> {
    return this.#race((ring) => runDuel(duel, ring));
  }

  scramble<T>(calls: readonly (() => Promise<T>)[]): Promise<readonly Attempt<T>[]> {
    const nth = this.#scrambles;
    this.#scrambles += 1;
    return this.#race((ring) => runScramble(calls, ring, nth));
  }

  gate(store: TaskStore): CallGate {
    this.#strengths.push("forced");
    return new CallGate(store);
  }

  /** How hard the races of this play were; undefined: there were none. */
  get strength(): Strength | undefined {
    return weakestOf(this.#strengths);
  }

  /** Runs a race on handles that can be held, where the target has such. */
  #race<Round>(run: (ring: Ring) => Promise<Raced<Round>>): Promise<readonly Round[]> {
    const race = anyEnd(this.#racing).then(async () => {
      const staged = await (this.#staged ??= this.#stage());
      const before = { A: this.A, B: this.B };
      if (staged !== undefined) {
        this.A = this.#observed(staged.handles[0], "A", HELD_CALL_DEADLINES);
        this.B = this.#observed(staged.handles[1], "B", HELD_CALL_DEADLINES);
      }
      try {
        const { timing, random } = this;
        const settles = <T>(call: Promise<T>): Promise<Attempt<T>> => this.settles(call);
        const { rounds, strength } = await run({ timing, random, settles, stage: staged?.stage });
        this.#strengths.push(strength);
        return rounds;
      } finally {
        this.A = before.A;
        this.B = before.B;
      }
    });
    this.#racing = race;
    return race;
  }

  async #stage(): Promise<StagedHandles | undefined> {
    const { namespace, handles, settings, able, via } = this.#parts;
    // One handle used twice shows no order of two processes.
    if (handles[0] === handles[1]) return undefined;
    // Handles that stay in this process are held by their drivers; a connection would only slow them down.
    return openStage(namespace, able({ ...settings, ...PATIENCE }), via && !this.timing.inProcess);
  }
}
