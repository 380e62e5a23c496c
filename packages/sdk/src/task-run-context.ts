import {
  asStatusMessage,
  type InputRequest,
  isTerminal,
  type JsonObject,
  type Task,
  type TaskContext,
  type TaskInput,
} from "@mcp-task-store/core";
import { looksLike } from "./answer-schema.ts";
import { askTogether } from "./ask-together.ts";
import { asksClient, type ClientQuestion } from "./client-question.ts";
import { observed } from "./observed.ts";
import { progressMessage } from "./progress-message.ts";
import type { StoredCall } from "./stored-call.ts";
import { suspension } from "./suspension.ts";
import type { AskOptions, AsksClient, ToolContext, ToolProgress } from "./tool-context.ts";

/** Questions that go out together. */
interface Asking {
  readonly inputs: Map<string, InputRequest>;
  readonly asked: ReturnType<typeof askTogether>;
}

/** What a tool has of the task that it works on, under the lease of its run. */
export class TaskRunContext implements ToolContext<JsonObject | undefined> {
  readonly #run: TaskContext;
  readonly #call: StoredCall;
  readonly elicit: AsksClient["elicit"];
  readonly elicitUrl: AsksClient["elicitUrl"];
  readonly createMessage: AsksClient["createMessage"];
  #asking: Asking | undefined;
  #suspended = false;

  constructor(run: TaskContext, call: StoredCall) {
    this.#run = run;
    this.#call = call;
    const questions = asksClient(call, async (...question) => await this.#responseTo(...question));
    this.elicit = questions.elicit;
    this.elicitUrl = questions.elicitUrl;
    this.createMessage = questions.createMessage;
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
    return observed((async () => void (await this.#run.updateStatus(asStatusMessage(message))))());
  };

  readonly reportProgress = (progress: ToolProgress): Promise<void> => {
    return this.updateStatus(progressMessage(progress));
  };

  async #responseTo(
    key: string,
    { stored: question }: ClientQuestion,
    { whileWaiting = "hold" }: AskOptions,
  ): Promise<JsonObject> {
    this.#throwIfSuspended();
    // A question that was asked before, in whatever run, is not asked again: the store keeps the answer by its key.
    const asked = await this.#ask(key, this.#asStored(key, question));
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
