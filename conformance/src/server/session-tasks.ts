import type { JsonObject } from "@mcp-task-store/core";
import { anyEnd, CouldNotRun } from "../attempt.ts";
import { Unanswered } from "./answer-in-time.ts";
import type { HttpAnswer } from "./http-answer.ts";
import { isTerminalStatus } from "./modern-tasks.ts";
import { type Caller, NotOffered, type ServerKit } from "./server-rule.ts";
import { RELATED_TASK, type Session, SESSION_VERSION } from "./session.ts";
import type { ToolRole } from "./tools.ts";
import { isJsonObject, objectIn, textIn, type WireMessage } from "./wire-message.ts";

/** What rules about tasks of 2025-11-25 do again and again. */
export class SessionTasks {
  readonly session: Session;
  readonly #kit: ServerKit;

  private constructor(kit: ServerKit, session: Session) {
    this.#kit = kit;
    this.session = session;
  }

  /** @throws CouldNotRun if the server does not speak this version to this caller */
  static async open(kit: ServerKit, caller: Caller = "caller"): Promise<SessionTasks> {
    const session = await kit.session({ caller });
    const version = session.hello["protocolVersion"];
    if (version === SESSION_VERSION) return new SessionTasks(kit, session);
    throw new CouldNotRun(
      `the server answered initialize with ${typeof version === "string" ? version : "no version"}`,
    );
  }

  /** Calls a tool; `more` goes beside its name and arguments. */
  call(role: ToolRole, given: JsonObject = {}, more: JsonObject = {}): Promise<HttpAnswer> {
    return this.session.call("tools/call", { ...this.#kit.tool(role, given), ...more });
  }

  /** Calls a tool as a task. @throws CouldNotRun if none comes back */
  async start(role: ToolRole, given: JsonObject = {}, more: JsonObject = {}): Promise<string> {
    const { message } = await this.call(role, given, { task: { ttl: 600_000 }, ...more });
    const taskId = textIn(objectIn(message?.result, "task"), "taskId");
    if (taskId === undefined) throw new CouldNotRun(`${role} did not become a task`);
    return taskId;
  }

  get(taskId: string, more: JsonObject = {}): Promise<HttpAnswer> {
    return this.session.call("tasks/get", { taskId, ...more });
  }

  /** The task as tasks/get has it. @throws CouldNotRun if it is not there */
  async task(taskId: string): Promise<JsonObject> {
    const { message } = await this.get(taskId);
    if (message?.result === undefined) throw new CouldNotRun("a task that was just made cannot be read");
    return message.result;
  }

  /** Reads until the task is in this status or has ended, at most until the deadline, and for `extraMs` more. */
  reaching(taskId: string, status: string, extraMs = 0): Promise<JsonObject> {
    return this.#kit.until(
      () => this.task(taskId),
      (task) => textIn(task, "status") === status || isTerminalStatus(task),
      extraMs,
    );
  }

  /** @param worksMs of the tool; the deadline begins behind it @throws CouldNotRun if it does not end in time */
  async ended(taskId: string, worksMs = 0): Promise<JsonObject> {
    const task = await this.reaching(taskId, "completed", worksMs);
    if (isTerminalStatus(task)) return task;
    throw new CouldNotRun(`the task did not end before the deadline; it is ${textIn(task, "status")}`);
  }

  result(taskId: string): Promise<HttpAnswer> {
    return this.session.call("tasks/result", { taskId });
  }

  /** The result of a task that has ended; undefined: no answer came in time, while the server answered others. */
  async resultOfEnded(taskId: string): Promise<HttpAnswer | undefined> {
    const end = await anyEnd(this.session.call("tasks/result", { taskId }, false));
    if (end.kind === "fulfilled") return end.value;
    if (end.error instanceof Unanswered) return undefined;
    throw end.error;
  }

  cancel(taskId: string): Promise<HttpAnswer> {
    return this.session.call("tasks/cancel", { taskId });
  }

  /** What tools/list says of the tool's tasks. */
  modeOf = async (role: ToolRole): Promise<unknown> => {
    const { message } = await this.session.call("tools/list");
    const tools: unknown = message?.result?.["tools"];
    const { name } = this.#kit.tool(role);
    const tool = (Array.isArray(tools) ? tools : []).filter(isJsonObject).find((one) => one["name"] === name);
    return objectIn(tool, "execution")["taskSupport"];
  };

  /** Whether the server declares this method of tasks: it may do without. */
  has(method: "list" | "cancel"): boolean {
    return isJsonObject(objectIn(objectIn(this.session.hello, "capabilities"), "tasks")[method]);
  }

  /** @throws NotOffered unless the server declares this method of tasks */
  needs(method: "list" | "cancel"): void {
    if (!this.has(method)) throw new NotOffered(`the server declares no tasks.${method}`);
  }
}

/** The id in a message's related-task. */
export function relatedTo(message: Pick<WireMessage, "params" | "result"> | undefined): string | undefined {
  return textIn(objectIn(objectIn(message?.result ?? message?.params, "_meta"), RELATED_TASK), "taskId");
}
