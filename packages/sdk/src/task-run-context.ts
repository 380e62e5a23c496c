import {
  asStatusMessage,
  type InputRequest,
  isTerminal,
  type JsonObject,
  type Task,
  type TaskContext,
  type TaskInput,
} from "@mcp-task-store/core";
import { looksLike, withAnswerSchema } from "./answer-schema.ts";
import { askTogether } from "./ask-together.ts";
import { elicitationAnswer, elicitationRequest } from "./elicitation.ts";
import { progressMessage } from "./progress-message.ts";
import type { OutputOf, StandardSchemaWithJson } from "./schema.ts";
import type { StoredCall } from "./stored-call.ts";
import { suspension } from "./suspension.ts";
import type { ElicitAnswer, ElicitOptions, ElicitRequest, ToolContext, ToolProgress } from "./tool-context.ts";

/** Questions that go out together. */
interface Asking {
  readonly inputs: Map<string, InputRequest>;
  readonly asked: ReturnType<typeof askTogether>;
}

/** What a tool has of the task that it works on, under the lease of its run. */
export class TaskRunContext implements ToolContext<JsonObject | undefined> {
  readonly #run: TaskContext;
  readonly #call: StoredCall;
  #asking: Asking | undefined;
  #suspended = false;

  constructor(run: TaskContext, call: StoredCall) {
    this.#run = run;
    this.#call = call;
  }

  /** The tool ended to be started again: what it returned or threw does not count. */
  get isSuspended(): boolean {
    return this.#suspended;
  }

  get taskId(): string {
    return this.#run.taskId;
  }

  get attempt(): number {
    return this.#run.attempt;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get prepared(): JsonObject | undefined {
    return this.#call.prepared;
  }

  readonly updateStatus = (message: string): Promise<void> => {
    return observed(async () => void (await this.#run.updateStatus(asStatusMessage(message))));
  };

  readonly reportProgress = (progress: ToolProgress): Promise<void> => {
    return this.updateStatus(progressMessage(progress));
  };

  readonly elicit = <S extends StandardSchemaWithJson>(
    key: string,
    request: ElicitRequest<S>,
    options: ElicitOptions = {},
  ): Promise<ElicitAnswer<OutputOf<S>>> => {
    return observed(async () => {
      this.#throwIfSuspended();
      const shown = elicitationRequest(key, request, this.#call.elicitation);
      const question = this.#asStored(key, withAnswerSchema(shown, request.requestedSchema));
      const response = await this.#responseTo(key, question, options);
      return await elicitationAnswer(key, request.requestedSchema, response);
    });
  };

  async #responseTo(
    key: string,
    question: InputRequest,
    { whileWaiting = "hold" }: ElicitOptions,
  ): Promise<JsonObject> {
    // A question that was asked before, in whatever run, is not asked again: the store keeps the answer by its key.
    const asked = await this.#ask(key, question);
    const stored = responseIn(asked, key);
    if (stored !== undefined) return stored;
    this.#throwIfSuspended();
    if (whileWaiting === "suspend") {
      this.#suspended = true;
      throw suspension();
    }
    const answered = responseIn(await this.#untilAnswered(key), key);
    if (answered === undefined) throw new Error(`The answer to "${key}" is gone.`);
    return answered;
  }

  /** A run that must stop while its task goes on ends like one that suspends: the next run waits on. */
  async #untilAnswered(key: string): Promise<Task> {
    try {
      return await this.#run.waitForInputs([key]);
    } catch (error) {
      const { signal, isCancelled, task } = this.#run;
      if (!signal.aborted || isCancelled || isTerminal(task.status)) throw error;
      this.#suspended = true;
      throw suspension();
    }
  }

  /** Questions of one turn are asked together: as far as one write can hold them, the client sees all of them or none. */
  async #ask(key: string, question: InputRequest): Promise<Task> {
    const open = this.#asking;
    const asking = open === undefined || open.inputs.has(key) ? this.#startAsking() : open;
    asking.inputs.set(key, question);
    const outcome = (await asking.asked).get(key);
    if (outcome?.status !== "fulfilled") throw outcome?.reason;
    return outcome.value;
  }

  #startAsking(): Asking {
    const inputs = new Map<string, InputRequest>();
    const asked = Promise.resolve().then(async () => {
      if (this.#asking?.inputs === inputs) this.#asking = undefined;
      return await askTogether(this.#run, inputs);
    });
    this.#asking = { inputs, asked };
    return this.#asking;
  }

  /** The question as an earlier run stored it, if its user would see no difference. */
  #asStored(key: string, question: InputRequest): InputRequest {
    const known = inputIn(this.#run.task, key)?.request;
    return known !== undefined && looksLike(known, question) ? known : question;
  }

  #throwIfSuspended(): void {
    if (this.#suspended) throw suspension();
  }
}

function inputIn({ inputs }: Task, key: string): TaskInput | undefined {
  return Object.hasOwn(inputs, key) ? inputs[key] : undefined;
}

function responseIn(task: Task, key: string): JsonObject | undefined {
  return inputIn(task, key)?.response;
}

/** The promise of some work, whose rejection need not be awaited by anybody. */
function observed<T>(work: () => Promise<T>): Promise<T> {
  const promise = work();
  promise.catch(() => undefined);
  return promise;
}
