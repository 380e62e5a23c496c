import { BackendClock } from "./backend-clock.ts";
import { Call, closedError } from "./call.ts";
import { CommandOrder } from "./command-order.ts";
import type { Command, Refusal } from "./commands.ts";
import { isTaskStoreError, TaskStoreError } from "./errors.ts";
import { exceedsBytes } from "./json-text.ts";
import { settledWithin } from "./settled-within.ts";
import type {
  DueAnswer,
  Insert,
  InsertAnswer,
  PageQuery,
  ReadAnswer,
  TaskDriver,
  Write,
  WriteAnswer,
} from "./task-driver.ts";
import type { CallOptions } from "./task-store.ts";
import type { TaskRecord } from "./task-record.ts";
import { explain, plan, type Plan, ringProves, toMs } from "./transitions.ts";
import { backendError, couldApplyTwice, isFinal, needsProof, repeatable, unknownOutcome } from "./write-fate.ts";

/** Whose task a call may touch: undefined any, else exactly this owner's (null: unowned). */
export type Scope = string | null | undefined;

/** How a command ended. Losing is a value here and becomes an error only towards the user. */
export type CommandResult =
  | { readonly kind: "done"; readonly row: TaskRecord; readonly nowUs: number; readonly writeId: string }
  /** The row was as the command wants it. */
  | { readonly kind: "nothing"; readonly row: TaskRecord; readonly nowUs: number }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly row: TaskRecord; readonly nowUs: number }
  | { readonly kind: "gone" };

/** How far the estimate of the backend's clock may lie behind: the way of an answer, generously. */
const CLOCK_LAG_US = 250_000;

type PlannedWrite = Extract<Plan, { kind: "write" }>;

export interface EngineOptions {
  readonly callTimeoutMs: number;
  /** All inputs of a task together, UTF-8 bytes of JSON. */
  readonly maxInputsBytes: number;
  /** Called with the ids whose rows changed or vanished, once that is committed. */
  readonly onChanged: (taskIds: readonly string[]) => void;
}

/**
 * Runs calls against a driver: deadlines, repeats of what was certainly not applied, and the truth about writes whose
 * answer was lost. It knows no task rule.
 */
export class Engine {
  readonly clock: BackendClock = new BackendClock();
  readonly #driver: TaskDriver;
  readonly #options: EngineOptions;
  readonly #order = new CommandOrder();
  readonly #inFlight = new Set<Promise<unknown>>();
  #closed = false;

  constructor(driver: TaskDriver, options: EngineOptions) {
    this.#driver = driver;
    this.#options = options;
  }

  async read(
    taskIds: readonly string[],
    what: { readonly request?: boolean; readonly outcome?: boolean },
    options: CallOptions,
  ): Promise<ReadAnswer> {
    return await this.#reading(options, (driverOptions) => this.#driver.read(taskIds, { ...what, ...driverOptions }));
  }

  async page(query: PageQuery, options: CallOptions): Promise<ReadAnswer> {
    return await this.#reading(options, (driverOptions) => this.#driver.page(query, driverOptions));
  }

  /** Not a pure read, but repeating it is harmless: what it deleted was gone, what it hid comes back. */
  async due(limit: number, holdMs: number, options: CallOptions): Promise<DueAnswer> {
    return await this.#reading(options, (driverOptions) => this.#driver.due(limit, holdMs, driverOptions));
  }

  async setup(options: CallOptions): Promise<void> {
    await this.#calling(options, async (call) => {
      try {
        await call.driver(
          (driverOptions) => this.#driver.setup(driverOptions),
          () => call.overError(),
        );
      } catch (error) {
        throw isTaskStoreError(error) ? error : backendError(error);
      }
    });
  }

  /** Inserts under one createId, so that a repeat after a lost answer finds its own row. */
  async insert(
    insert: Omit<Insert, "notAfterUs">,
    options: CallOptions,
  ): Promise<Exclude<InsertAnswer, { kind: "late" }>> {
    return await this.#calling(options, async (call) => {
      let ambiguous = false;
      let firstSentUs = 0;
      for (;;) {
        const notAfterUs = await this.#notAfterUs(call);
        if (!ambiguous) firstSentUs = this.clock.atLeastUs;
        let answer: InsertAnswer | undefined;
        try {
          answer = await call.driver((o) => this.#driver.insert({ ...insert, notAfterUs }, o), unknownOutcome);
        } catch (error) {
          ambiguous = repeatable(error, call, ambiguous);
        }
        if (answer !== undefined) {
          this.clock.observe(answer.nowUs);
          // The first attempt may have landed and be gone again: then the id was free for this later one.
          if (ambiguous && answer.kind === "exists" && answer.row.createdAt >= toMs(firstSentUs))
            throw unknownOutcome();
          if (answer.kind !== "late") return answer;
        }
        await this.#pauseOrThrow(call, ambiguous);
      }
    });
  }

  async remove(taskId: string, scope: Scope, options: CallOptions): Promise<boolean> {
    return await this.#inOrder(taskId, scope, options, async (call) => {
      for (;;) {
        const notAfterUs = await this.#notAfterUs(call);
        const target = { taskId, notAfterUs, ...(scope === undefined ? {} : { scope }) };
        try {
          const answer = await call.driver((o) => this.#driver.remove(target, o), unknownOutcome);
          if (answer === "removed") this.#options.onChanged([taskId]);
          if (answer !== "late") return answer === "removed";
          // The estimate of the backend's clock had fallen behind.
          await this.#repeatRead(call, (o) => this.#driver.read([], o));
        } catch (error) {
          // Whether it was this call that removed the task, and whether a later one took its id, cannot be told.
          if (repeatable(error, call, false)) throw unknownOutcome(error);
        }
        await this.#pauseOrThrow(call, false);
      }
    });
  }

  /**
   * Runs a command: one write for most, a read and a write for ask and answer.
   * @param known the row and clock reading to plan from first, where the caller has one
   */
  async run(
    taskId: string,
    scope: Scope,
    command: Command,
    options: CallOptions,
    known?: { readonly row: TaskRecord; readonly nowUs: number },
  ): Promise<CommandResult> {
    const work = async (call: Call): Promise<CommandResult> => await this.#run(taskId, scope, command, call, known);
    // A heartbeat must not wait behind a slow report.
    if (command.type === "renew") return await this.#calling(options, work);
    return await this.#inOrder(taskId, scope, options, work);
  }

  async #run(
    taskId: string,
    scope: Scope,
    command: Command,
    call: Call,
    known?: { readonly row: TaskRecord; readonly nowUs: number },
  ): Promise<CommandResult> {
    const writeId = crypto.randomUUID();
    let seen = known;
    for (;;) {
      call.throwIfOver();
      let planned: Plan;
      if (command.type === "ask" || command.type === "answer" || command.type === "recover") {
        seen ??= await this.#readForPlan(taskId, scope, call);
        if (seen === undefined) return { kind: "gone" };
        planned = plan(command, seen.row, seen.nowUs);
        if (planned.kind === "nothing") return { kind: "nothing", ...seen };
        if (planned.kind === "refused") return { kind: "refused", refusal: planned.refusal, ...seen };
        this.#checkInputs(planned);
        seen = undefined;
      } else {
        planned = plan(command);
        if (planned.kind !== "write") throw new TypeError("A command that was planned blind is a write.");
      }
      const answer = await this.#write(taskId, scope, command, writeId, planned, call);
      if (answer.kind === "gone") return answer;
      const { row, nowUs } = answer;
      if (answer.kind === "written") {
        if (planned.quiet !== true) this.#options.onChanged([taskId]);
        return { kind: "done", row, nowUs, writeId };
      }
      const refusal = explain(command, row, nowUs);
      if (refusal !== undefined && refusal !== "inputs-changed") return { kind: "refused", refusal, row, nowUs };
    }
  }

  /** Each question and answer was within its limit; what gathers in one task over its life is bounded too. */
  #checkInputs(planned: PlannedWrite): void {
    const inputs = planned.alternatives[0]?.then.set?.inputs;
    const { maxInputsBytes } = this.#options;
    if (typeof inputs !== "string" || !exceedsBytes(inputs, maxInputsBytes)) return;
    const message = `inputs of one task are too large together; at most ${maxInputsBytes} bytes of JSON.`;
    throw new TaskStoreError("PAYLOAD_TOO_LARGE", message, { argument: "inputs" });
  }

  async #readForPlan(
    taskId: string,
    scope: Scope,
    call: Call,
  ): Promise<{ readonly row: TaskRecord; readonly nowUs: number } | undefined> {
    const answer = await this.#repeatRead(call, (o) => this.#driver.read([taskId], o));
    const row = answer.rows.find((candidate) => scope === undefined || candidate.scope === scope);
    return row && { row, nowUs: answer.nowUs };
  }

  /** Sends one write until its fate is known. A refusal that comes back is true and final for this write. */
  async #write(
    taskId: string,
    scope: Scope,
    command: Command,
    writeId: string,
    planned: PlannedWrite,
    call: Call,
  ): Promise<WriteAnswer> {
    let notAfterUs = await this.#notAfterUs(call);
    const bornByUs = this.clock.estimateUs() + CLOCK_LAG_US;
    let firstSentUs = this.clock.atLeastUs;
    let seenRevision = 0;
    let ambiguous = false;
    for (;;) {
      // A first packet that is delayed must not land behind its own repeat and eight others either. A revision that was
      // seen before is as good a bound as the clock, and the only one when that was set back.
      if (!ambiguous) firstSentUs = Math.max(this.clock.atLeastUs, seenRevision);
      const write: Write = {
        taskId,
        writeId,
        notAfterUs,
        alternatives: planned.alternatives,
        ...(scope === undefined ? {} : { scope }),
        ...(planned.quiet === undefined ? {} : { quiet: true }),
        ...(couldApplyTwice(command) || (ambiguous && needsProof(command)) ? { firstSentUs } : {}),
        ...(ambiguous ? { bornByUs } : {}),
      };
      let answer: WriteAnswer | undefined;
      try {
        answer = await call.driver((driverOptions) => this.#driver.write(write, driverOptions), unknownOutcome);
      } catch (error) {
        ambiguous = repeatable(error, call, ambiguous);
      }
      if (answer !== undefined) {
        if (answer.kind !== "gone") this.clock.observe(answer.nowUs);
        if (answer.kind === "written") return answer;
        if (ambiguous && (answer.kind === "gone" || !ringProves(answer.row, write))) throw unknownOutcome();
        if (answer.kind === "gone") return answer;
        seenRevision = answer.row.revision;
        const late = answer.nowUs > notAfterUs;
        const refusal = explain(command, answer.row, answer.nowUs);
        if (refusal !== undefined && (!ambiguous || late || isFinal(command, refusal))) return answer;
        if (late) {
          // Nothing of this write can land any more: it may be sent anew, if there is time.
          ambiguous = false;
          notAfterUs = await this.#notAfterUs(call);
        }
      }
      await this.#pauseOrThrow(call, ambiguous);
    }
  }

  /** The instant after which a write of this call must not land, by the backend's clock. */
  async #notAfterUs(call: Call): Promise<number> {
    if (!this.clock.isKnown) await this.#repeatRead(call, (options) => this.#driver.read([], options));
    return this.clock.estimateUs() + Math.ceil(call.remainingMs * 1000);
  }

  async #pauseOrThrow(call: Call, ambiguous: boolean): Promise<void> {
    await call.pause();
    if (call.isOver) throw ambiguous ? unknownOutcome(call.lastFailure) : call.overError();
  }

  async #reading<T extends { readonly nowUs: number }>(
    options: CallOptions,
    run: (options: { readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    return await this.#calling(options, (call) => this.#repeatRead(call, run));
  }

  async #repeatRead<T extends { readonly nowUs: number }>(
    call: Call,
    run: (options: { readonly signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      try {
        const answer = await call.driver(run, () => call.overError());
        this.clock.observe(answer.nowUs);
        return answer;
      } catch (error) {
        if (isTaskStoreError(error) && (error.code !== "STORE_UNAVAILABLE" || !error.retryable)) throw error;
        if (call.isOver) throw call.overError(error);
        await call.pause();
        if (call.isOver) throw isTaskStoreError(error) ? error : backendError(error);
      }
    }
  }

  async #inOrder<T>(taskId: string, scope: Scope, options: CallOptions, work: (call: Call) => Promise<T>): Promise<T> {
    return await this.#calling(options, async (call) => {
      const place = this.#order.enter(taskId, scope);
      try {
        await call.whileOpen(place.turn);
        return await work(call);
      } finally {
        place.done();
      }
    });
  }

  async #calling<T>(options: CallOptions, work: (call: Call) => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError();
    const call = new Call(options, this.#options.callTimeoutMs);
    const running = (async () => {
      try {
        call.throwIfOver();
        return await work(call);
      } finally {
        call.end();
      }
    })();
    this.#inFlight.add(running);
    try {
      return await running;
    } finally {
      this.#inFlight.delete(running);
    }
  }

  /** Refuses new calls and waits for those in flight, no longer than `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    if (this.#inFlight.size > 0) await settledWithin(Promise.allSettled(this.#inFlight), graceMs);
  }
}
