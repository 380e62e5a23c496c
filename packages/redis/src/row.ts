import type { Generation, RingEntry, TaskRecord, TaskStatus } from "@mcp-task-store/core";
import { ROW_FIELDS, STATE_BYTES, STATE_NUMBERS } from "./lua/record.ts";
import { asArray, asBytes, asText, asTextOrNull } from "./reply.ts";

/** What was asked for beside the fields of every row; they follow in this order. */
export interface Loaded {
  readonly request?: boolean;
  readonly outcome?: boolean;
}

type NumberName = (typeof STATE_NUMBERS)[number];
type ByteName = (typeof STATE_BYTES)[number];

const STATUSES: readonly TaskStatus[] = ["working", "input_required", "completed", "failed", "cancelled"];
const GENERATIONS: readonly Generation[] = ["2025-11-25", "2026-07-28"];
const NUMBER_BYTES = 8;

/** A row as scripts answer it: the fields of ROW_FIELDS, then what was asked for. */
export function taskRecord(
  taskId: string,
  reply: unknown,
  { request = false, outcome = false }: Loaded = {},
): TaskRecord {
  const fields = asArray(reply);
  const [status, bytes, scope, createId, generation, ring, inputsId, holder, message, inputs, metadata] = fields;
  const state = new State(asBytes(bytes));
  const owner = asTextOrNull(scope);
  const token = state.numberOrNull("token");
  return {
    taskId,
    scope: owner === null ? null : owner.slice(2),
    generation: generation === null ? null : oneOf(GENERATIONS, asText(generation)),
    createId: asText(createId),
    revision: state.number("revision"),
    ring: ringEntries(asText(ring)),
    inputsId: state.has("has_inputs_id") ? asText(inputsId) : null,
    status: oneOf(STATUSES, asText(status)),
    statusMessage: state.has("has_message") ? asText(message) : null,
    createdAt: state.number("created"),
    lastUpdatedAt: state.number("updated"),
    ttlMs: state.numberOrNull("ttl"),
    pollIntervalMs: state.number("poll"),
    expiresAt: state.numberOrNull("expires"),
    claimBy: state.numberOrNull("claim"),
    runUntil: state.numberOrNull("run"),
    attempts: state.number("attempts"),
    cancelRequestedAt: state.numberOrNull("cancel"),
    inputs: state.has("has_inputs") ? asText(inputs) : null,
    metadata: state.has("has_metadata") ? asText(metadata) : null,
    lease: token === null ? null : { token, holder: asText(holder), expiresAt: state.number("lease_end") },
    dueAt: state.numberOrNull("due"),
    ...(request ? { request: asTextOrNull(fields[ROW_FIELDS.length]) } : {}),
    ...(outcome ? { outcome: state.has("has_outcome") ? asText(fields.at(-1)) : null } : {}),
  };
}

/** The field `state` of a task. */
class State {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    if (bytes.length !== STATE_NUMBERS.length * NUMBER_BYTES + STATE_BYTES.length) {
      throw new TypeError("a task's state is of another version");
    }
    this.#bytes = bytes;
  }

  number(name: NumberName): number {
    return this.#bytes.readDoubleLE(STATE_NUMBERS.indexOf(name) * NUMBER_BYTES);
  }

  numberOrNull(name: NumberName): number | null {
    const number = this.number(name);
    return number < 0 ? null : number;
  }

  has(name: ByteName): boolean {
    return this.#bytes[STATE_NUMBERS.length * NUMBER_BYTES + STATE_BYTES.indexOf(name)] === 1;
  }
}

/** Lines of a revision and a JSON string. */
function ringEntries(ring: string): readonly RingEntry[] {
  return ring
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const space = line.indexOf(" ");
      const writeId: unknown = JSON.parse(line.slice(space + 1));
      return { writeId: String(writeId), revision: Number(line.slice(0, space)) };
    });
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  const found = known.find((each) => each === text);
  if (found === undefined) throw new TypeError("a task's field holds a word that this version does not know");
  return found;
}
