import { type InputRequest, type JsonObject, RELATED_TASK_METADATA_KEY, type Task } from "@mcp-task-store/core";
import type { RequestId } from "@modelcontextprotocol/sdk/types.js";
import { asShown } from "../answer-schema.ts";
import { isBareStatus } from "../sdk-inputs.ts";
import { objectAt } from "../stored-call.ts";
import type { AskedRequests } from "./asked-requests.ts";
import type { ClientLink } from "./client-link.ts";
import { withElicitationId } from "./elicitation-id.ts";
import { newQuestionId } from "./question-id.ts";

/** Whether the client takes a question; where nobody knows, it does. */
export type MayAsk = (question: InputRequest) => boolean;

export interface AskedClient {
  readonly mayAsk: MayAsk;
  readonly asking: AskedRequests;
  /** Told of a request that is taken back. */
  readonly withdrawn: (requestId: string) => void;
}

/** How often a question is asked again on one stream, after wrong answers. */
const MOST_AGAIN = 2;

/**
 * The questions of one task on the stream of one `tasks/result`. Each open one is asked once; one that was answered
 * elsewhere, or whose stream gave way to another, is withdrawn.
 * @see S-25 … S-28, S-41, S-42
 */
export class TaskQuestions {
  readonly link: ClientLink;
  readonly #stream: RequestId;
  readonly #client: AskedClient;
  /** Ids of the requests by the keys of the inputs. */
  readonly #asked = new Map<string, string>();
  readonly #answered = new Set<string>();
  readonly #askedAgain = new Map<string, number>();
  #task: Task | undefined;
  /** What took the latest questions. */
  #carrier: unknown;
  #alsoTell: () => Promise<void> = async () => undefined;
  #isWithdrawn = false;

  /** @param stream the id of the request on whose stream is asked */
  constructor(link: ClientLink, stream: RequestId, client: AskedClient) {
    this.link = link;
    this.#stream = stream;
    this.#client = client;
  }

  get stream(): RequestId {
    return this.#stream;
  }

  /** Asks what is open and was not asked here; withdraws what is not open any more. */
  async show(task: Task): Promise<void> {
    this.#task = task;
    if (this.#isWithdrawn) return;
    const carrier = this.link.carrier(this.#stream);
    const isAnother = carrier !== undefined && this.#carrier !== undefined && carrier !== this.#carrier;
    this.#carrier = carrier ?? this.#carrier;
    if (isAnother) await this.#startAnew();
    for (const [key, { request, response }] of Object.entries(task.inputs)) {
      // Also since the one before was sent.
      if (this.#isWithdrawn) return;
      const isOpen = response === undefined && task.status === "input_required";
      const isAsked = this.#asked.has(key) || isBareStatus(key);
      // Its refusal would be the answer, though another client may show the question.
      if (isOpen && !isAsked && carrier !== undefined && this.#client.mayAsk(request))
        await this.#ask(task.taskId, key, request);
      if (!isOpen) await this.#withdraw(key);
    }
  }

  /** What else the client of the stream is to be told, for {@link look}. */
  alsoTell(tell: () => Promise<void>): void {
    this.#alsoTell = tell;
  }

  /** Asks and tells what nothing could carry before, or what may be lost, if the client listens elsewhere than it did. */
  async look(): Promise<void> {
    const before = this.#carrier;
    if (this.#task !== undefined) await this.show(this.#task);
    if (this.#carrier !== before) await this.#alsoTell();
  }

  /**
   * Asks a question again that was answered with what it cannot take.
   * @param requestId under which it was answered: it may be asked under another meanwhile
   * @returns whether it is asked: a client that answers so again and again is not asked for ever
   */
  async askAgain(task: Task, key: string, requestId: string): Promise<boolean> {
    if (this.#isWithdrawn || !this.#asked.has(key)) return false;
    if (this.#asked.get(key) !== requestId) return true;
    const times = (this.#askedAgain.get(key) ?? 0) + 1;
    if (times > MOST_AGAIN) return false;
    this.#askedAgain.set(key, times);
    this.#forget(key);
    await this.show(task);
    return true;
  }

  /** Asks a question again whose answer could not be stored, by what is known of the task: the store may be out. */
  async repeat(key: string): Promise<void> {
    this.#forget(key);
    if (this.#task !== undefined) await this.show(this.#task);
  }

  /** The client answered a request of these: there is nothing to withdraw. */
  noteAnswer(requestId: string): void {
    this.#answered.add(requestId);
  }

  /** Takes back what is still open; nothing more is asked here. */
  async withdraw(): Promise<void> {
    this.#isWithdrawn = true;
    await this.#startAnew();
  }

  /** Asks again what is open, after it was withdrawn. */
  async resume(): Promise<void> {
    this.#isWithdrawn = false;
    if (this.#task !== undefined) await this.show(this.#task);
  }

  async #ask(taskId: string, key: string, question: InputRequest): Promise<void> {
    // The same wherever and however often it is asked: the server names it when the user is done there.
    const { method, params = {} } = withElicitationId(asShown(question), () => `${taskId}/${key}`);
    const id = newQuestionId({ taskId, key });
    this.#asked.set(key, id);
    this.#client.asking.note(id, this);
    const _meta = { ...objectAt(params, "_meta"), ...related(taskId) };
    await this.#send({ jsonrpc: "2.0", id, method, params: { ...params, _meta } });
  }

  async #startAnew(): Promise<void> {
    for (const key of this.#asked.keys()) {
      await this.#withdraw(key);
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    const requestId = this.#asked.get(key);
    if (requestId === undefined) return;
    this.#asked.delete(key);
    this.#client.asking.forget(requestId);
  }

  async #withdraw(key: string): Promise<void> {
    const requestId = this.#asked.get(key);
    if (this.#task === undefined || requestId === undefined || this.#answered.has(requestId)) return;
    this.#answered.add(requestId);
    this.#client.asking.forget(requestId);
    this.#client.withdrawn(requestId);
    const reason = "It was answered elsewhere or is not asked any more";
    const params = { requestId, reason, _meta: related(this.#task.taskId) };
    await this.#send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
  }

  /** A client that went away asks for the result again, and is asked again. */
  async #send(message: Parameters<ClientLink["send"]>[0]): Promise<void> {
    await this.link.send(message, this.#stream).catch(() => undefined);
  }
}

/** On all that is sent for a task (S-41). */
function related(taskId: string): JsonObject {
  return { [RELATED_TASK_METADATA_KEY]: { taskId } };
}
