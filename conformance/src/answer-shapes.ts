import type { Task } from "@mcp-task-store/core";
import { shown } from "./shown.ts";

/** What a store's methods answer with, coarsely: what rules, and the kit itself, take for granted. */
interface Shape {
  readonly text: string;
  readonly holds: (answer: unknown) => boolean;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** Whether it has what makes it a task; what these are like is for the rules to say. */
export function isTask(value: unknown): value is Task {
  return isRecord(value) && "taskId" in value && "status" in value && "revision" in value;
}

const task: Shape = { text: "a task", holds: isTask };
const lease: Shape = {
  text: "a lease",
  holds: (answer) => isRecord(answer) && "token" in answer && isTask(answer["task"]),
};
const outcome: Shape = {
  text: "an outcome",
  holds: (answer) => isRecord(answer) && "status" in answer,
};

function orUndefined({ text, holds }: Shape): Shape {
  return { text: `${text}, or undefined`, holds: (answer) => answer === undefined || holds(answer) };
}

/** By method: what its call returns. */
const RETURNED: Readonly<Record<string, Shape>> = {
  scoped: { text: "a view of the store", holds: isRecord },
  watchTasks: {
    text: "an async iterable of tasks",
    holds: (answer) => isRecord(answer) && typeof Reflect.get(answer, Symbol.asyncIterator) === "function",
  },
};

/** By method, `shift` and `drain` being those of messages: what its promise is fulfilled with. */
const FULFILLED: Readonly<Record<string, Shape>> = {
  createTask: task,
  getTask: orUndefined(task),
  getOutcome: orUndefined(outcome),
  listTasks: {
    text: "a page of tasks",
    holds: (answer) => isRecord(answer) && Array.isArray(answer["tasks"]) && answer["tasks"].every(isTask),
  },
  cancelTask: task,
  requestCancellation: task,
  answerInputs: task,
  deleteTask: { text: "a boolean", holds: (answer) => typeof answer === "boolean" },
  waitForUpdate: orUndefined(task),
  waitForOutcome: orUndefined(outcome),
  updateTask: task,
  finishTask: task,
  requestInputs: task,
  acquireLease: orUndefined(lease),
  renewLease: lease,
  releaseLease: task,
  maintain: { text: "a report of maintenance", holds: isRecord },
  shift: orUndefined({ text: "a message", holds: isRecord }),
  drain: { text: "a list of messages", holds: (answer) => Array.isArray(answer) && answer.every(isRecord) },
};

/** A store answered a call with what can be no answer to it. No rule goes on from there, and every rule fails. */
export class WrongAnswer extends Error {
  override readonly name: string = "WrongAnswer";
  /** Such as `A.getTask`. */
  readonly call: string;
  readonly answer: unknown;
  readonly wanted: string;

  constructor(call: string, answer: unknown, wanted: string) {
    super(`${call} answered ${shown(answer, 80)}, and has to answer with ${wanted}`);
    this.call = call;
    this.answer = answer;
    this.wanted = wanted;
  }
}

function wrongBy(
  shapes: Readonly<Record<string, Shape>>,
  method: string,
  call: string,
  answer: unknown,
): WrongAnswer | undefined {
  const shape = Object.hasOwn(shapes, method) ? shapes[method] : undefined;
  return shape === undefined || isOfShape(shape, answer) ? undefined : new WrongAnswer(call, answer, shape.text);
}

function isOfShape(shape: Shape, answer: unknown): boolean {
  try {
    return shape.holds(answer);
  } catch {
    // It does not even let itself be read.
    return false;
  }
}

/** What is wrong with what the call of a method returned at once. */
export function wrongReturn(method: string, call: string, answer: unknown): WrongAnswer | undefined {
  return wrongBy(RETURNED, method, call, answer);
}

/** What is wrong with what its promise was fulfilled with. */
export function wrongFulfilment(method: string, call: string, answer: unknown): WrongAnswer | undefined {
  return wrongBy(FULFILLED, method, call, answer);
}

/** Whether a method answers by a promise that is looked at. */
export function answersLater(method: string): boolean {
  return Object.hasOwn(FULFILLED, method);
}
