import type { JsonObject, QueuedMessage, Task, TaskInput, TaskOutcome, TaskStore } from "@mcp-task-store/core";
import { mapPayloads, mapTasks, overStore } from "../mutants/over-store.ts";
import { DEPTH, type Edit, editedObject, isPlainObject } from "../mutants/payload-edits.ts";
import { defineVariant, type Variant } from "./variant.ts";

/** Begins texts that stand for something that core's own JSON cannot hold. No payload of the kit has it. */
const MARK = "=kept:";
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Both directions of a code for payloads. */
interface Code {
  readonly encode: Edit;
  readonly decode: Edit;
}

function textCode(encode: (text: string) => string, decode: (text: string) => string): Code {
  const edit = (change: (text: string) => string): Edit => ({
    value: (value) => (typeof value === "string" ? change(value) : value),
    entries: (entries) => entries.map(([key, value]) => [change(key), value]),
  });
  return { encode: edit(encode), decode: edit(decode) };
}

const surrogates: Code = textCode(
  (text) => text.replaceAll(LONE_SURROGATE, (unit) => `${MARK}${unit.charCodeAt(0).toString(16)};`),
  (text) => text.replaceAll(/=kept:([0-9a-f]{4});/g, (_, unit: string) => String.fromCharCode(parseInt(unit, 16))),
);

const negativeZero: Code = {
  encode: { value: (value) => (Object.is(value, -0) ? `${MARK}-0` : value) },
  decode: { value: (value) => (value === `${MARK}-0` ? -0 : value) },
};

/** What cannot be followed, such as a cycle, goes to core as it is, which refuses it. */
function through(edit: Edit, payload: JsonObject): JsonObject {
  if (!isPlainObject(payload)) return payload;
  try {
    return editedObject(payload, edit, DEPTH);
  } catch {
    return payload;
  }
}

/** A value with every payload in it changed. */
function outcomeThrough(edit: Edit, outcome: TaskOutcome): TaskOutcome {
  if ("result" in outcome) return { ...outcome, result: through(edit, outcome.result) };
  if (!("error" in outcome)) return outcome;
  const { data } = outcome.error;
  return isPlainObject(data) ? { ...outcome, error: { ...outcome.error, data: through(edit, data) } } : outcome;
}

function inputThrough(edit: Edit, { request, response }: TaskInput): TaskInput {
  const { params } = request;
  return {
    request: params === undefined ? request : { ...request, params: through(edit, params) },
    ...(response === undefined ? {} : { response: through(edit, response) }),
  };
}

function taskThrough(edit: Edit, task: Task): Task {
  const { metadata, request, outcome } = task;
  const params = request?.params;
  const inputs = Object.entries(task.inputs).map(([key, input]) => [key, inputThrough(edit, input)] as const);
  return {
    ...task,
    inputs: Object.fromEntries(inputs),
    ...(metadata === undefined ? {} : { metadata: through(edit, metadata) }),
    ...(request === undefined || params === undefined
      ? {}
      : { request: { ...request, params: through(edit, params) } }),
    ...(outcome === undefined ? {} : { outcome: outcomeThrough(edit, outcome) }),
  };
}

function messageThrough(edit: Edit, queued: QueuedMessage): QueuedMessage {
  return { ...queued, message: through(edit, queued.message) };
}

/** A store that keeps more of a payload than core's JSON does: coded on its way in, decoded on its way out. */
function keeping(store: TaskStore, { encode, decode }: Code): TaskStore {
  const coded = mapTasks(
    mapPayloads(store, (payload) => through(encode, payload)),
    (task) => taskThrough(decode, task),
  );
  const shown = (outcome: TaskOutcome | undefined): TaskOutcome | undefined =>
    outcome && outcomeThrough(decode, outcome);
  return overStore(coded, {
    methods: (inner) => ({
      getOutcome: async (taskId, options) => shown(await inner.getOutcome(taskId, options)),
      waitForOutcome: async (taskId, options) => shown(await inner.waitForOutcome(taskId, options)),
    }),
    root: (inner) => ({
      messages: {
        push: (taskId, queued, options) => inner.messages.push(taskId, messageThrough(encode, queued), options),
        async shift(taskId, options) {
          const queued = await inner.messages.shift(taskId, options);
          return queued && messageThrough(decode, queued);
        },
        async drain(taskId, options) {
          return (await inner.messages.drain(taskId, options)).map((queued) => messageThrough(decode, queued));
        },
      },
    }),
  });
}

export const payloads: readonly Variant[] = [
  defineVariant("negative-zero", "-0 keeps its sign.", () => ({ store: (store) => keeping(store, negativeZero) })),
  defineVariant("surrogates-kept", "Lone surrogates are kept, where the reference refuses them.", () => ({
    store: (store) => keeping(store, surrogates),
  })),
];
