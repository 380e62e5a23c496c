import type { Task } from "@mcp-task-store/core";
import { TaskStoreError } from "@mcp-task-store/core";
import { didNothing } from "./answers.ts";
import { jsonCopy } from "./canonical-json.ts";
import type { CallAnswer, History, HistoryCall, LoggedTask } from "./history-data.ts";
import { invalid, isHistoryCall } from "./history-schema.ts";
import { isObject } from "./shown-task.ts";

/** A call as it starts. */
export interface StartedCall {
  readonly client: string;
  /** The principal of the view that it was made through. */
  readonly as: string | null | undefined;
  /** undefined: a create that leaves the id to the store. */
  readonly taskId: string | undefined;
  /** The method and its arguments, of which nobody knows yet whether a history can hold them. */
  readonly operation: Readonly<Record<string, unknown>>;
}

interface RecordedCall extends StartedCall {
  readonly start: number;
  end: number | null;
  answer: CallAnswer | null;
  /** Once it has ended: the call of a history, or null, where none can hold it. */
  known?: HistoryCall | null;
}

interface TaskLog {
  /** undefined: nothing is known of the task's beginning. */
  before: LoggedTask | null | undefined;
  readonly calls: RecordedCall[];
  isTooLong: boolean;
}

export interface RecordingOptions {
  /** Freedoms that its histories claim. @default none */
  readonly allows?: History["allows"];
  /** What its histories say that answers show. @default all */
  readonly shows?: History["shows"];
  /** A task with more calls gives no history. @default 200; range 1 to 1,000 */
  readonly maxCalls?: number | undefined;
}

/**
 * The calls that several clients of a store make, by task. Each client gets its store from `recordHistory`, with one
 * recording for all of them. A task has a history if a recorded call made it, or may have, or from when it is followed.
 */
export class HistoryRecording {
  readonly #allows: History["allows"];
  readonly #shows: History["shows"];
  readonly #maxCalls: number;
  readonly #logs = new Map<string, TaskLog>();
  #now = 0;

  /** @throws TaskStoreError INVALID_ARGUMENT */
  constructor({ allows, shows, maxCalls = 200 }: RecordingOptions = {}) {
    if (!Number.isInteger(maxCalls) || maxCalls < 1 || maxCalls > 1_000) {
      throw invalid("options.maxCalls", "must be an integer from 1 to 1000");
    }
    this.#allows = allows;
    this.#shows = shows;
    this.#maxCalls = maxCalls;
  }

  /**
   * Begins a history with a task that is there already, while nobody is writing to it. Earlier calls are forgotten.
   * @throws TaskStoreError INVALID_ARGUMENT
   */
  follow(task: Task): void {
    const copied = jsonCopy(task)?.copy;
    if (!isLoggedTask(copied)) throw invalid("task", "must be a task as the store returned it");
    this.#logs.set(task.taskId, { before: copied, calls: [], isTooLong: false });
  }

  /** The tasks that have a history, in the order in which they were first called about. */
  get taskIds(): readonly string[] {
    return [...this.#logs.keys()].filter((taskId) => this.#problem(taskId) === undefined);
  }

  /**
   * All that was recorded about a task until now; calls that have not ended may still take effect.
   * @throws TaskStoreError TASK_NOT_FOUND if its beginning was not recorded, if there are too many calls, or if one was
   *   accepted although no history can hold it
   */
  history(taskId: string): History {
    const problem = this.#problem(taskId);
    if (problem !== undefined)
      throw new TaskStoreError("TASK_NOT_FOUND", `There is no history of this task: ${problem}.`);
    const { before = null, calls } = this.#log(taskId);
    return {
      format: 1,
      taskId,
      before,
      calls: calls.flatMap((call) => historyCall(call) ?? []),
      ...(this.#allows === undefined ? {} : { allows: this.#allows }),
      ...(this.#shows === undefined ? {} : { shows: this.#shows }),
    };
  }

  /**
   * Writes down that a call starts; what it returns writes down its end. For clients that `recordHistory` cannot wrap.
   */
  started(started: StartedCall): (answer: CallAnswer) => void {
    const call: RecordedCall = { ...started, start: this.#tick(), end: null, answer: null };
    const { taskId } = started;
    if (taskId !== undefined) this.#add(taskId, call);
    return (answer) => {
      call.end = this.#tick();
      call.answer = answer;
      if (started.operation["method"] !== "createTask" || didNothing(answer)) return;
      const made = answer.kind === "returned" && isObject(answer.value) ? answer.value["taskId"] : undefined;
      const madeId = typeof made === "string" ? made : taskId;
      if (madeId === undefined) return;
      if (taskId === undefined) this.#add(madeId, call);
      this.#log(madeId).before ??= null;
    };
  }

  #tick(): number {
    this.#now += 1;
    return this.#now;
  }

  #log(taskId: string): TaskLog {
    const log = this.#logs.get(taskId) ?? { before: undefined, calls: [], isTooLong: false };
    this.#logs.set(taskId, log);
    return log;
  }

  #add(taskId: string, call: RecordedCall): void {
    const log = this.#log(taskId);
    if (log.calls.length < this.#maxCalls) log.calls.push(call);
    else log.isTooLong = true;
  }

  /** Why there is no history of this task. */
  #problem(taskId: string): string | undefined {
    const log = this.#logs.get(taskId);
    if (log?.before === undefined) return "it was neither made by a recorded call nor followed";
    if (log.isTooLong) return `it has more than ${this.#maxCalls} calls`;
    const odd = log.calls.find((call) => historyCall(call) === undefined && !didNothing(call.answer));
    return odd && `${String(odd.operation["method"])} was called with arguments that no history can hold`;
  }
}

function isLoggedTask(value: unknown): value is LoggedTask {
  return isObject(value) && typeof value["taskId"] === "string" && typeof value["status"] === "string";
}

function historyCall(recorded: RecordedCall): HistoryCall | undefined {
  if (recorded.known !== undefined) return recorded.known ?? undefined;
  const { client, as, operation, start, end, answer } = recorded;
  const call: unknown = { ...operation, client, ...(as === undefined ? {} : { as }), start, end, answer };
  const known = isHistoryCall(call) ? call : undefined;
  if (end !== null) recorded.known = known ?? null;
  return known;
}
