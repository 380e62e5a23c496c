import type { JsonObject } from "@mcp-task-store/core";
import { type Attempt, attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";

/** What one slot gave back for a payload: the value that was read, or how storing it was refused. */
export interface SlotReading {
  readonly slot: string;
  readonly stored: Attempt<unknown>;
  readonly read: unknown;
}

/** A payload sent through every place that holds one, written by A and read by B. */
export async function throughAllSlots(kit: Kit, payload: JsonObject): Promise<readonly SlotReading[]> {
  const slots = { ...SLOTS, ...(kit.A.capabilities.messages ? { message } : {}) };
  return Promise.all(Object.entries(slots).map(async ([slot, send]) => ({ slot, ...(await send(kit, payload)) })));
}

type Slot = (kit: Kit, payload: JsonObject) => Promise<Omit<SlotReading, "slot">>;

const SLOTS: Readonly<Record<string, Slot>> = {
  async result(kit, payload) {
    const { taskId } = await kit.task();
    const stored = await attempt(() => kit.A.finishTask(taskId, { status: "completed", result: payload }));
    const outcome = await kit.B.getOutcome(taskId);
    return { stored, read: outcome !== undefined && "result" in outcome ? outcome.result : undefined };
  },
  async "error.data"(kit, payload) {
    const { taskId } = await kit.task();
    const error = { code: -32000, message: "no", data: payload };
    const stored = await attempt(() => kit.A.finishTask(taskId, { status: "failed", error }));
    const outcome = await kit.B.getOutcome(taskId);
    return { stored, read: outcome !== undefined && "error" in outcome ? outcome.error.data : undefined };
  },
  async metadata(kit, payload) {
    const taskId = kit.taskId(`metadata ${kit.random.next()}`);
    const stored = await attempt(() => kit.A.createTask({ taskId, metadata: payload }));
    return { stored, read: (await kit.B.getTask(taskId))?.metadata };
  },
  async "request.params"(kit, payload) {
    const taskId = kit.taskId(`request ${kit.random.next()}`);
    const request = { method: "tools/call", params: payload };
    const stored = await attempt(() => kit.A.createTask({ taskId, request }));
    return { stored, read: (await kit.B.getTask(taskId, { request: true }))?.request?.params };
  },
  async "input.request.params"(kit, payload) {
    const { taskId } = await kit.task();
    const request = { method: "elicitation/create", params: payload };
    const stored = await attempt(() => kit.A.requestInputs(taskId, { k: request }));
    return { stored, read: (await kit.B.getTask(taskId))?.inputs["k"]?.request.params };
  },
  async "input.response"(kit, payload) {
    const { taskId } = await kit.asked(["k"]);
    const stored = await attempt(() => kit.A.answerInputs(taskId, { k: payload }));
    return { stored, read: (await kit.B.getTask(taskId))?.inputs["k"]?.response };
  },
};

const message: Slot = async (kit, payload) => {
  const { taskId } = await kit.task();
  const queued = { type: "request", message: payload, timestamp: 0 } as const;
  const stored = await attempt(() => kit.A.messages.push(taskId, queued, { messageId: "m" }));
  const [drained] = await kit.B.messages.drain(taskId);
  return { stored, read: drained?.message };
};
