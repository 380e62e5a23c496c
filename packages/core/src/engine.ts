import type { BackendClock } from "./backend-clock.ts";
import type { Call } from "./call.ts";
import type { CallRunner, Scope } from "./call-runner.ts";
import type { Command, Refusal } from "./commands.ts";
import { isTaskStoreError, TaskStoreError } from "./errors.ts";
import { exceedsBytes } from "./json-text.ts";
import type {
  DriverReadOptions,
  DueAnswer,
  Insert,
  InsertAnswer,
  PageAnswer,
  PageQuery,
  ReadAnswer,
  TaskDriver,
  Write,
  WriteAnswer,
} from "./task-driver.ts";
import type { CallOptions } from "./task-store.ts";
import { SeenRows } from "./seen-rows.ts";
import type { TaskRecord } from "./task-record.ts";
import { explain, plan, type Plan, ringProves, toMs } from "./transitions.ts";
import { backendError, couldApplyTwice, isFinal, needsProof, repeatable, unknownOutcome } from "./write-fate.ts";

/** How a command ended. Losing is a value here and becomes an error only towards the user. */
export type CommandResult =
  | { readonly kind: "done"; readonly row: TaskRecord; readonly nowUs: number; readonly writeId: string }
  /** The row was as the command wants it. */
  | { readonly kind: "nothing"; readonly row: TaskRecord; readonly nowUs: number }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly row: TaskRecord; readonly nowUs: number }
  | { readonly kind: "gone" };

export type { Scope } from "./call-runner.ts";

type PlannedWrite = Extract<Plan, { kind: "write" }>;

export interface EngineOptions {
  /** All inputs of a task together, UTF-8 bytes of JSON. */
  readonly maxInputsBytes: number;
  /** Called with the ids whose rows changed or vanished, once that is committed. */
  readonly onChanged: (taskIds: readonly string[]) => void;
}

/**
 * Runs calls about tasks against a driver: repeats of what was certainly not applied, and the truth about writes whose
 * answer was lost. It knows no task rule.
 */
export class Engine {
  readonly clock: BackendClock;
  readonly #driver: TaskDriver;
  readonly #options: EngineOptions;
  readonly #calls: CallRunner;
  readonly #seen = new SeenRows();

  constructor(driver: TaskDriver, calls: CallRunner, options: EngineOptions) {
    this.#driver = driver;
    this.#calls = calls;
    this.#options = options;
    this.clock = calls.clock;
  }

  async read(
    taskIds: readonly string[],
    { onPart, ...what }: Omit<DriverReadOptions, "signal">,
    options: CallOptions,
  ): Promise<ReadAnswer> {
    const tellPart = (ids: readonly string[], part: ReadAnswer): void => {
      this.clock.observe(part.nowUs);
      this.#seen.noteAll(part.rows);
      onPart?.(ids, part);
    };
    const parts = onPart === undefined ? {} : { onPart: tellPart };
    const answer = await this.#calls.reading(options, (driverOptions) =>
      this.#driver.read(taskIds, { ...what, ...parts, ...driverOptions }),
    );
    this.#seen.noteAll(answer.rows);
    return answer;
  }

  async page(query: PageQuery, options: CallOptions): Promise<PageAnswer> {
    const answer = await this.#calls.reading(options, (driverOptions) => this.#driver.page(query, driverOptions));
    this.#seen.noteAll(answer.rows);
    return answer;
  }

  /** Not a pure read, but repeating it is harmless: what it deleted was gone, what it hid comes back. */
  async due(limit: number, holdMs: number, options: CallOptions): Promise<DueAnswer> {
    const answer = await this.#calls.reading(options, (driverOptions) =>
      this.#driver.due(limit, holdMs, driverOptions),
    );
    this.#seen.noteAll(answer.rows);
    return answer;
  }

  async setup(options: CallOptions): Promise<void> {
    await this.#calls.calling(options, async (call) => {
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
    return await this.#calls.calling(options, async (call) => {
      let ambiguous = false;
      let firstSentUs = 0;
      for (;;) {
        const notAfterUs = await this.#calls.notAfterUs(call);
        if (!ambiguous) firstSentUs = this.clock.atLeastUs;
        let answer: InsertAnswer | undefined;
        try {
          answer = await call.driver((o) => this.#driver.insert({ ...insert, notAfterUs }, o), unknownOutcome);
        } catch (error) {
          ambiguous = repeatable(error, call, ambiguous);
        }
        if (answer !== undefined) {
          this.clock.observe(answer.nowUs);
          if (answer.kind !== "late") {
            this.#seen.note(answer.row);
            // The first attempt may have landed and be gone again: then the id was free for this later one. A clock that
            // was set back says nothing about what came first.
            const isLater = answer.row.createdAt >= toMs(firstSentUs) || answer.nowUs < firstSentUs;
            if (ambiguous && answer.kind === "exists" && isLater) throw unknownOutcome();
            return answer;
          }
        }
        await this.#calls.pauseOrThrow(call, ambiguous);
      }
    });
  }

  async remove(taskId: string, scope: Scope, options: CallOptions): Promise<boolean> {
    return await this.#calls.inOrder(taskId, scope, options, async (call) => {
      for (;;) {
        const notAfterUs = await this.#calls.notAfterUs(call);
        const target = { taskId, notAfterUs, ...(scope === undefined ? {} : { scope }) };
        try {
          const answer = await call.driver((o) => this.#driver.remove(target, o), unknownOutcome);
          if (answer !== "late") this.#seen.forget(taskId);
          if (answer === "removed") this.#options.onChanged([taskId]);
          if (answer !== "late") return answer === "removed";
          // The estimate of the backend's clock had fallen behind.
          await this.#calls.repeatRead(call, (o) => this.#driver.read([], o));
        } catch (error) {
          // Whether it was this call that removed the task, and whether a later one took its id, cannot be told.
          if (repeatable(error, call, false)) throw unknownOutcome(error);
        }
        await this.#calls.pauseOrThrow(call, false);
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
    if (command.type === "renew") return await this.#calls.calling(options, work);
    return await this.#calls.inOrder(taskId, scope, options, work);
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
    const answer = await this.#calls.repeatRead(call, (o) => this.#driver.read([taskId], o));
    this.#seen.noteAll(answer.rows);
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
    let notAfterUs = await this.#calls.notAfterUs(call);
    const bornByUs = this.#calls.bornByUs;
    // No attempt has landed by then. Rows that other calls see meanwhile say nothing of that.
    let seen = this.#seen.of(taskId);
    let ambiguous = false;
    for (;;) {
      // A first packet that is delayed must not land behind its own repeat and eight others either.
      const isProved = couldApplyTwice(command) || (ambiguous && needsProof(command));
      const write: Write = {
        taskId,
        writeId,
        notAfterUs,
        alternatives: planned.alternatives,
        ...(scope === undefined ? {} : { scope }),
        ...(planned.quiet === undefined ? {} : { quiet: true }),
        ...(isProved ? { sinceRevision: seen?.revision ?? 0 } : {}),
        ...(seen !== undefined && (isProved || ambiguous) ? { createId: seen.createId } : {}),
        ...(seen === undefined && ambiguous ? { bornByUs } : {}),
      };
      let answer: WriteAnswer | undefined;
      try {
        answer = await call.driver((driverOptions) => this.#driver.write(write, driverOptions), unknownOutcome);
      } catch (error) {
        ambiguous = repeatable(error, call, ambiguous);
      }
      if (answer !== undefined) {
        if (answer.kind === "gone") {
          this.#seen.forget(taskId);
        } else {
          this.clock.observe(answer.nowUs);
          this.#seen.note(answer.row);
        }
        if (answer.kind === "written") return answer;
        const isProven = answer.kind !== "gone" && ringProves(answer.row, write);
        if (ambiguous && !isProven) throw unknownOutcome();
        if (answer.kind === "gone") return answer;
        seen = answer.row;
        const late = answer.nowUs > notAfterUs;
        const refusal = explain(command, answer.row, answer.nowUs);
        if (refusal !== undefined && (!ambiguous || late || isFinal(command, refusal))) return answer;
        if (late) {
          // Nothing of this write can land any more: it may be sent anew, if there is time.
          ambiguous = false;
          notAfterUs = await this.#calls.notAfterUs(call);
        }
        // Nothing was wrong but what was known of the row: a pause would only make that old again.
        if (!isProven && !call.isOver) continue;
      }
      await this.#calls.pauseOrThrow(call, ambiguous);
    }
  }
}
