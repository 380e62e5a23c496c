import type { ScopedTaskStore, Task } from "@mcp-task-store/core";
import type { JSONRPCNotification, ProgressToken, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { onAbort } from "@mcp-task-store/core/adapter";
import { INTERNAL_ERROR } from "../tool-error.ts";
import type { AskedRequests } from "./asked-requests.ts";
import type { ClientLink } from "./client-link.ts";
import { mcpError } from "./mcp-errors.ts";
import { TaskFollower } from "./task-follower.ts";
import { type MayAsk, TaskQuestions } from "./task-questions.ts";

/** How many calls of `tasks/result` one connection may have waiting; beyond it the oldest gives way. */
const MAX_WAITING = 64;
/** How many questions it is remembered of that they were taken back. */
const MAX_WITHDRAWN = 1_024;
/** How soon a client that went away without a word is noticed, and one that listens where it did not. */
const LOOK_EVERY_MS = 5_000;

/** Whether a connection asks a question. unknown: another may, in whatever process. */
export type AskedHere = "open" | "withdrawn" | "unknown";

/** What is under way for the client of one connection. All of it ends with the connection. */
export class ClientConnection {
  readonly link: ClientLink;
  /** Fires when nothing more is done for any client. It may outlive the connection. */
  readonly over: AbortSignal;
  readonly #mayAsk: MayAsk;
  readonly #asking: AskedRequests;
  readonly #followers = new Map<string, TaskFollower>();
  /** The streams on which a task's result is waited for, the oldest first. Only the newest asks. */
  readonly #questions = new Map<string, TaskQuestions[]>();
  /** Requests for answers that were taken back, the oldest first. */
  readonly #withdrawn = new Set<string>();
  /** By what gives them up, the oldest first: a client may use an id twice. */
  readonly #waiting = new Map<AbortController, TaskQuestions>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param mayAsk whether its client takes a question
   * @param asking what all connections ask
   */
  constructor(link: ClientLink, mayAsk: MayAsk, asking: AskedRequests, over: AbortSignal) {
    this.link = link;
    this.#mayAsk = mayAsk;
    this.#asking = asking;
    this.over = over;
    link.closed.addEventListener("abort", () => this.#close());
  }

  /** Tells the client of a task until it ends. @throws what the store throws, outages aside */
  async follow(view: ScopedTaskStore, task: Task, progressToken: ProgressToken | undefined): Promise<void> {
    const notify = async (taskId: string, message: JSONRPCNotification): Promise<void> =>
      await this.#notify(taskId, message);
    const follower = new TaskFollower(task, progressToken, notify);
    this.#followers.set(task.taskId, follower);
    const forget = onAbort(this.over, () => follower.stop());
    try {
      if (!this.link.closed.aborted && !this.over.aborted) await follower.follow(view);
    } finally {
      forget();
      this.#followers.delete(task.taskId);
    }
  }

  /** Call it before the client is told of an end: nothing of the task goes out afterwards (S-49). */
  async ended(task: Task): Promise<void> {
    await this.#followers.get(task.taskId)?.tell(task);
  }

  /**
   * Waits for something of a task on the stream of a request, which may bring the task's questions.
   * @param wait its signal fires when nobody waits any more
   * @throws McpError -32603 if the wait was given up
   */
  async waiting<T>(
    taskId: string,
    requestId: RequestId,
    wait: (questions: TaskQuestions, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.over.aborted) throw serverCloses();
    const givenUp = new AbortController();
    const forget = onAbort(this.over, () => givenUp.abort());
    const questions = new TaskQuestions(this.link, requestId, {
      mayAsk: this.#mayAsk,
      asking: this.#asking,
      withdrawn: (questionId) => this.#noteWithdrawn(questionId),
    });
    const previous = this.#newest(taskId);
    this.#questions.set(taskId, [...(this.#questions.get(taskId) ?? []), questions]);
    this.#enter(questions, givenUp);
    try {
      await previous?.withdraw();
      return await wait(questions, givenUp.signal);
    } catch (error) {
      // Whoever waited before is asked again: the task is still open.
      const isNewest = this.#newest(taskId) === questions;
      this.#leave(taskId, questions);
      if (isNewest && !this.over.aborted) await this.#newest(taskId)?.resume();
      if (!givenUp.signal.aborted) throw error;
      if (this.over.aborted) throw serverCloses();
      throw mcpError({
        code: INTERNAL_ERROR,
        message: "This wait was given up: the client waits for too many results",
      });
    } finally {
      forget();
      this.#waiting.delete(givenUp);
      this.#lookSometimes();
      this.#leave(taskId, questions);
      await questions.withdraw();
    }
  }

  /** The client answered a question, of whatever connection. @returns whether it is asked here, as far as is known */
  noteAnswer(requestId: string): AskedHere {
    if (this.#withdrawn.has(requestId)) return "withdrawn";
    const asking = this.#asking.by(requestId);
    asking?.noteAnswer(requestId);
    return asking?.link === this.link ? "open" : "unknown";
  }

  /** Asks again, where it was asked, what was answered and could not be stored. */
  async repeat(key: string, requestId: string): Promise<void> {
    await this.#asking.by(requestId)?.repeat(key);
  }

  /** Asks again, where it still asks, what was answered wrongly. @returns whether it does */
  async askAgain(task: Task, key: string, requestId: string): Promise<boolean> {
    const asking = this.#asking.by(requestId) ?? this.#asking.of({ taskId: task.taskId, key });
    return (await asking?.askAgain(task, key, requestId)) ?? false;
  }

  #noteWithdrawn(requestId: string): void {
    this.#withdrawn.add(requestId);
    const [oldest] = this.#withdrawn;
    if (this.#withdrawn.size > MAX_WITHDRAWN && oldest !== undefined) this.#withdrawn.delete(oldest);
  }

  #newest(taskId: string): TaskQuestions | undefined {
    return this.#questions.get(taskId)?.at(-1);
  }

  #leave(taskId: string, left: TaskQuestions): void {
    const others = (this.#questions.get(taskId) ?? []).filter((questions) => questions !== left);
    if (others.length > 0) this.#questions.set(taskId, others);
    else this.#questions.delete(taskId);
  }

  /** Each is told by itself: a signal made of one that lives on is not freed by every version of Node. */
  #close(): void {
    for (const follower of this.#followers.values()) follower.stop();
    for (const givenUp of this.#waiting.keys()) givenUp.abort();
    this.#lookSometimes();
  }

  #enter(questions: TaskQuestions, givenUp: AbortController): void {
    if (this.link.closed.aborted) givenUp.abort();
    this.#waiting.set(givenUp, questions);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) {
      // At once: its end takes some turns, in which the next would find it still the oldest.
      this.#waiting.delete(oldest);
      oldest.abort();
    }
    this.#lookSometimes();
  }

  #lookSometimes(): void {
    if (this.#waiting.size === 0 || this.link.closed.aborted) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#timer ??= setInterval(() => {
      for (const [givenUp, questions] of this.#waiting) {
        if (!this.link.reaches(questions.stream)) givenUp.abort();
        // What fails goes out with the next change of the task.
        else questions.look().catch(() => undefined);
      }
    }, LOOK_EVERY_MS);
    // Where timers can: a wait is no reason for a process to live.
    if (typeof this.#timer === "object") this.#timer.unref();
  }

  /** On the stream that waits for the task's result, else on that for everything else. Nobody has to listen (S-16). */
  async #notify(taskId: string, notification: JSONRPCNotification): Promise<void> {
    const stream = this.#newest(taskId)?.stream;
    if (stream !== undefined && this.link.reaches(stream)) {
      try {
        return await this.link.send(notification, stream);
      } catch {
        // It was just closed.
      }
    }
    await this.link.send(notification).catch(() => undefined);
  }
}

/** The task goes on: another process answers. */
function serverCloses(): Error {
  return mcpError({ code: INTERNAL_ERROR, message: "This server closes; ask again", data: { retryable: true } });
}
