import type { JsonObject } from "@mcp-task-store/core";
import { CouldNotRun } from "../attempt.ts";
import { acceptedAnswer } from "./accepted-answer.ts";
import type { HttpAnswer } from "./http-answer.ts";
import type { ModernCall, ModernClient } from "./modern-client.ts";
import { NotOffered, type ServerKit } from "./server-rule.ts";
import type { ToolRole } from "./tools.ts";
import { objectIn, textIn } from "./wire-message.ts";

const TERMINAL: ReadonlySet<string | undefined> = new Set(["completed", "failed", "cancelled"]);

export function isTerminalStatus(task: JsonObject | undefined): boolean {
  return TERMINAL.has(textIn(task, "status"));
}

/** What rules about tasks of 2026-07-28 do again and again. */
export class ModernTasks {
  readonly client: ModernClient;
  readonly #kit: ServerKit;

  constructor(kit: ServerKit, client: ModernClient = kit.modern()) {
    this.#kit = kit;
    this.client = client;
  }

  /** Calls a tool. */
  call(role: ToolRole, more: JsonObject = {}, call: ModernCall = {}): Promise<HttpAnswer> {
    return this.client.call("tools/call", this.#kit.tool(role, more), call);
  }

  /** Calls a tool that becomes a task. @throws NotOffered if the server answers with its result */
  async start(role: ToolRole, more: JsonObject = {}): Promise<string> {
    const { message } = await this.call(role, more);
    const taskId = textIn(message?.result, "taskId");
    if (taskId !== undefined) return taskId;
    if (message?.result === undefined) throw new CouldNotRun(`${role} was answered with an error`);
    throw new NotOffered(`${role} does not become a task`);
  }

  get(taskId: string): Promise<HttpAnswer> {
    return this.client.call("tasks/get", { taskId });
  }

  /** The task as tasks/get has it. @throws CouldNotRun if it is not there */
  async task(taskId: string): Promise<JsonObject> {
    const { message } = await this.get(taskId);
    if (message?.result === undefined) throw new CouldNotRun("a task that was just made cannot be read");
    return message.result;
  }

  /** Reads until the task is in this status or has ended, at most until the deadline. */
  reaching(taskId: string, status: string): Promise<JsonObject> {
    return this.#kit.until(
      () => this.task(taskId),
      (task) => textIn(task, "status") === status || isTerminalStatus(task),
    );
  }

  /** @throws CouldNotRun if it does not end before the deadline */
  async ended(taskId: string): Promise<JsonObject> {
    const task = await this.reaching(taskId, "completed");
    if (isTerminalStatus(task)) return task;
    throw new CouldNotRun(`the task did not end before the deadline; it is ${textIn(task, "status")}`);
  }

  /** Its open questions, when it asks. @throws CouldNotRun if it never does */
  async asking(taskId: string): Promise<JsonObject> {
    const task = await this.reaching(taskId, "input_required");
    const questions = objectIn(task, "inputRequests");
    if (Object.keys(questions).length > 0) return questions;
    throw new CouldNotRun(`the tool asked nothing; the task is ${textIn(task, "status")}`);
  }

  update(taskId: string, inputResponses: JsonObject): Promise<HttpAnswer> {
    return this.client.call("tasks/update", { taskId, inputResponses });
  }

  cancel(taskId: string): Promise<HttpAnswer> {
    return this.client.call("tasks/cancel", { taskId });
  }
}

/** An accepting answer for each of these questions. */
export function answersTo(questions: JsonObject): JsonObject {
  const answers = Object.keys(questions).map((key): [string, JsonObject] => {
    return [key, acceptedAnswer(objectIn(objectIn(questions, key), "params"))];
  });
  return Object.fromEntries(answers);
}
