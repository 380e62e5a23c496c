/** Questions to the client, and its answers. */
import { TaskStoreError } from "@mcp-task-store/core";
import type { CallOptions, InputRequest, JsonObject, Task, TaskInput, WriteOptions } from "@mcp-task-store/core";
import { nameWithin, objectWithKeys, refuse } from "./checks.ts";
import type { Handle, Reach } from "./handle.ts";
import { mustBeOpen, mustHold } from "./life.ts";
import { limitBytes, sameJson, storedObject } from "./plain-json.ts";
import { liveLease, shownTask, type StoredTask } from "./stored-task.ts";

const AT_ONCE = 100;

export async function requestInputs(
  handle: Handle,
  taskId: string,
  inputs: Readonly<Record<string, InputRequest>>,
  options: WriteOptions = {},
): Promise<Task> {
  const { maxPayloadBytes } = handle.settings.capabilities;
  const asked = entriesOf("inputs", inputs, 1).map(
    ([key, request]) => [key, givenRequest(`inputs.${key}`, request, maxPayloadBytes)] as const,
  );
  return await handle.onTask(undefined, taskId, options, (task, now) => {
    mustBeOpen(task);
    mustHold(task, now, options);
    const after = new Map(task.inputs);
    for (const [key, request] of asked) {
      const known = task.inputs.get(key);
      if (known === undefined) after.set(key, Object.freeze({ request }));
      else if (!sameJson(known.request, request)) {
        const argument = `inputs.${key}`;
        throw new TaskStoreError("INPUT_KEY_REUSED", "An input key was used for another request.", { argument });
      }
    }
    if (after.size === task.inputs.size) return shownTask(task);
    storeInputs(task, after, maxPayloadBytes);
    task.status = "input_required";
    task.claimBy = undefined;
    handle.backend.changed(task, now);
    return shownTask(task);
  });
}

export async function answerInputs(
  handle: Handle,
  reach: Reach,
  taskId: string,
  answers: Readonly<Record<string, JsonObject>>,
  options: CallOptions | undefined,
): Promise<Task> {
  const { maxPayloadBytes } = handle.settings.capabilities;
  const given = entriesOf("answers", answers, 0).map(
    ([key, answer]) => [key, storedObject(`answers.${key}`, answer, maxPayloadBytes)] as const,
  );
  return await handle.onTask(reach, taskId, options, (task, now) => {
    mustBeOpen(task);
    const after = new Map(task.inputs);
    let isNews = false;
    for (const [key, response] of given) {
      const known = task.inputs.get(key);
      if (known === undefined || known.response !== undefined) continue;
      after.set(key, Object.freeze({ request: known.request, response }));
      isNews = true;
    }
    if (!isNews) return shownTask(task);
    storeInputs(task, after, maxPayloadBytes);
    if ([...after.values()].every(({ response }) => response !== undefined)) {
      task.status = "working";
      if (liveLease(task, now) === undefined) task.claimBy = now + handle.settings.claimWithinMs;
    }
    handle.backend.changed(task, now);
    return shownTask(task);
  });
}

/** All questions and answers of a task together have a limit. */
function storeInputs(task: StoredTask, inputs: ReadonlyMap<string, TaskInput>, maxBytes: number): void {
  limitBytes("inputs", Object.fromEntries(inputs), maxBytes);
  task.inputs = inputs;
}

function givenRequest(argument: string, request: InputRequest, maxBytes: number): InputRequest {
  objectWithKeys(argument, request, ["method", "params"]);
  const { params } = request;
  return Object.freeze({
    method: nameWithin(`${argument}.method`, request.method, 255, "control"),
    ...(params === undefined ? {} : { params: storedObject(`${argument}.params`, params, maxBytes) }),
  });
}

function entriesOf<T>(argument: string, given: Readonly<Record<string, T>>, min: number): readonly [string, T][] {
  if (typeof given !== "object" || given === null || Array.isArray(given)) refuse(argument, "an object");
  const entries = Object.entries(given);
  if (entries.length < min || entries.length > AT_ONCE) refuse(argument, `an object of ${min} to ${AT_ONCE} keys`);
  return entries;
}
