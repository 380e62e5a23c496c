import type { JsonObject } from "./json.ts";

/**
 * The five statuses of both specification generations.
 * @see spec 2025-11-25 basic/utilities/tasks, extension io.modelcontextprotocol/tasks (S-22, S-23, X-16 … X-21)
 */
export type TaskStatus = "working" | "input_required" | "completed" | "failed" | "cancelled";

/** A status in which work may still happen. */
export type OpenStatus = "working" | "input_required";

/** A status that never changes again. */
export type TerminalStatus = "completed" | "failed" | "cancelled";

/**
 * Which protocol created the task. It decides what an `isError` result means: `failed` for "2025-11-25",
 * `completed` for "2026-07-28" and for `null` (made by code that speaks neither).
 */
export type Generation = "2025-11-25" | "2026-07-28";

/** A JSON-RPC error as it goes over the wire; `data` is kept losslessly. */
export interface JsonRpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** How a task ended: status and payload belong together and are stored in one write. */
export type TaskOutcome<R extends JsonObject = JsonObject> =
  | { readonly status: "completed"; readonly result: R }
  | { readonly status: "failed"; readonly error: JsonRpcError }
  /** Generation "2025-11-25" only: a tool result with `isError: true` (S-66, S-68). */
  | { readonly status: "failed"; readonly result: R }
  | { readonly status: "cancelled" };

/** The request that became a task. `_meta` and credentials are never part of it. */
export interface TaskRequest {
  readonly method: string;
  readonly params?: JsonObject | undefined;
  /** The tool's name, where the request calls one. */
  readonly name?: string | undefined;
}

/** A question to the client, such as `elicitation/create`. */
export interface InputRequest {
  readonly method: string;
  readonly params?: JsonObject | undefined;
}

/** A question under its key, with the answer once there is one. */
export interface TaskInput {
  readonly request: InputRequest;
  readonly response?: JsonObject;
}

/**
 * Who took a task last. One that ran out is shown until the task is taken over or recovered. The fencing token stays
 * with its holder and is never shown.
 */
export interface LeaseInfo {
  readonly holder: string;
  /** ISO 8601, the backend's clock. */
  readonly expiresAt: string;
}

/**
 * A task as stores return it: a deeply frozen copy. Instants are ISO 8601 strings of the backend's clock, durations
 * are integers in ms. Optional keys are absent, never `undefined`.
 */
export interface Task {
  readonly taskId: string;
  /** Who owns the task; `null`: unowned, the unguessable id is the capability. */
  readonly principal: string | null;
  readonly generation: Generation | null;
  /**
   * Grows at every visible change and at every message pushed. A later task under the same id starts above all that were
   * seen of the one before. Never compare it for anything but "is it another one": steps may be of any size.
   */
  readonly revision: number;
  readonly status: TaskStatus;
  readonly statusMessage?: string;
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  /** Lifetime, ms; counted from creation, and once more from a release and from the terminal state. `null`: unlimited. */
  readonly ttlMs: number | null;
  /** How often a client should poll, ms. */
  readonly pollIntervalMs: number;
  /** When the task vanishes, unless a lease or its end moves that. `null`: never. */
  readonly expiresAt: string | null;
  /** Leases taken so far that were not given back. */
  readonly attempts: number;
  /** When cancellation was first asked for; the worker decides what follows. */
  readonly cancelRequestedAt?: string;
  /** Set exactly while the task is working and nobody holds a lease: when it is handed out again. */
  readonly claimBy?: string;
  /** When the present run is over, whatever its heartbeat says. */
  readonly runUntil?: string;
  /** Every input asked for, by key. On a terminal task only the answered ones are left. */
  readonly inputs: Readonly<Record<string, TaskInput>>;
  readonly lease?: LeaseInfo;
  readonly metadata?: JsonObject;
  /** Only when asked for: `getTask(id, { request: true })`. */
  readonly request?: TaskRequest;
  /** Only when asked for: `getTask(id, { outcome: true })`, and only once terminal. */
  readonly outcome?: TaskOutcome;
}

/**
 * Whether a status is final.
 * @see S-24, X-19 … X-21; `is_terminal` of the Python SDK
 */
export function isTerminal(status: TaskStatus): status is TerminalStatus {
  return status === "completed" || status === "failed" || status === "cancelled";
}
