import type { InputRequest, JsonObject, Task, TaskContext } from "@mcp-task-store/core";
import { elicitationAnswer, elicitationRequest } from "./elicitation.ts";
import { progressMessage } from "./progress-message.ts";
import type { OutputOf, StandardSchemaWithJson } from "./schema.ts";
import type { StoredCall } from "./stored-call.ts";
import { suspension } from "./suspension.ts";
import type { ElicitAnswer, ElicitOptions, ElicitRequest, ToolContext, ToolProgress } from "./tool-context.ts";

/** Questions that go out in one write. */
interface Asking {
  readonly inputs: Map<string, InputRequest>;
  readonly asked: Promise<Task>;
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

  /** The tool ended to be started again by an answer: what it returned or threw does not count. */
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
    return observed(async () => void (await this.#run.updateStatus(message)));
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
      const question = elicitationRequest(key, request, this.#call.elicitation);
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
    const answered = responseIn(await this.#run.waitForInputs([key]), key);
    if (answered === undefined) throw new Error(`The answer to "${key}" is gone.`);
    return answered;
  }

  /** Questions of one turn are asked together: the client sees all of them or none. */
  async #ask(key: string, question: InputRequest): Promise<Task> {
    const open = this.#asking;
    if (open !== undefined && !open.inputs.has(key)) {
      open.inputs.set(key, question);
      return await open.asked;
    }
    const inputs = new Map([[key, question]]);
    const asked = Promise.resolve().then(async () => {
      this.#asking = undefined;
      return await this.#run.requestInputs(Object.fromEntries(inputs));
    });
    this.#asking = { inputs, asked };
    return await asked;
  }

  #throwIfSuspended(): void {
    if (this.#suspended) throw suspension();
  }
}

function responseIn(task: Task, key: string): JsonObject | undefined {
  return Object.hasOwn(task.inputs, key) ? task.inputs[key]?.response : undefined;
}

/** The promise of some work, whose rejection need not be awaited by anybody. */
function observed<T>(work: () => Promise<T>): Promise<T> {
  const promise = work();
  promise.catch(() => undefined);
  return promise;
}
