import type { JsonObject } from "@mcp-task-store/core";
import type { OutputOf, StandardSchemaWithJson } from "./schema.ts";

/** How far a tool is. What is left out is not shown. */
export interface ToolProgress {
  /** Grows from report to report. */
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

/** A form for the user behind the client. */
export interface ElicitRequest<S extends StandardSchemaWithJson = StandardSchemaWithJson> {
  /** What the user is asked. */
  readonly message: string;
  /** An object of strings, numbers, booleans and enums, one level deep: more no client can show as a form. */
  readonly requestedSchema: S;
}

export interface ElicitOptions {
  /**
   * What becomes of the run while the user thinks. "hold": it waits here and keeps its lease. "suspend": it ends and
   * frees its worker; the answer starts the tool again from the top, and this call then returns at once.
   * @default "hold"
   */
  readonly whileWaiting?: "hold" | "suspend" | undefined;
}

/** What the user did with a form. */
export type ElicitAnswer<T> =
  | { readonly action: "accept"; readonly content: T }
  | { readonly action: "decline" }
  | { readonly action: "cancel" };

/** Asking the client, before a task exists or within it. */
export interface Elicits {
  /**
   * Asks the user. The answer is stored under the key: a run that starts again, in whatever process, gets the stored
   * answer and asks nobody twice. So whatever comes before this call may happen again; make it repeatable. Calls that
   * are made together (`Promise.all`) are asked together.
   * @param key names the question, unique within the tool's run; 1 to 255 bytes
   * @returns what the user did; accepted content is validated, and what the schema makes of it
   * @throws ToolError -32602 if the accepted content does not fit the schema; -32021 if the client has no elicitation;
   *   TaskStoreError INPUT_KEY_REUSED if the key was used for another question before
   * @see … X-30
   */
  readonly elicit: <S extends StandardSchemaWithJson>(
    key: string,
    request: ElicitRequest<S>,
    options?: ElicitOptions,
  ) => Promise<ElicitAnswer<OutputOf<S>>>;
}

/** What a tool has before its task exists. */
export interface PrepareContext extends Elicits {
  /** Fires when the client gave the call up. */
  readonly signal: AbortSignal;
}

/** What a tool has of the run it works in. Its functions may be taken out of it: `({ signal, elicit }) => …`. */
export interface ToolContext<Prepared = unknown> extends Elicits {
  /** The task; absent where the tool runs within its request, for a client without tasks. */
  readonly taskId?: string;
  /** Which attempt at the task this is, from 1 on. Always 1 without a task. */
  readonly attempt: number;
  /** Fires when the tool should stop: cancelled, the lease lost, the time over, the process shutting down. */
  readonly signal: AbortSignal;
  /** What `prepare` returned, as JSON made it; undefined without `prepare`. */
  readonly prepared: Prepared;
  /**
   * Says what is going on: the task's status message, or a progress notification of a call without a task. Call it as
   * often as you like, about four writes a second go out; nothing happens if it is not awaited.
   */
  readonly updateStatus: (message: string) => Promise<void>;
  /** Says how far the tool is, like {@link updateStatus}: "message (3 of 10)". */
  readonly reportProgress: (progress: ToolProgress) => Promise<void>;
}

/** One part of what a tool answers. */
export type ToolContent =
  | { readonly type: "text"; readonly text: string; readonly [key: string]: unknown }
  | {
      readonly type: "image" | "audio";
      readonly data: string;
      readonly mimeType: string;
      readonly [key: string]: unknown;
    }
  | { readonly type: "resource_link"; readonly uri: string; readonly name: string; readonly [key: string]: unknown }
  | { readonly type: "resource"; readonly resource: object; readonly [key: string]: unknown };

/** What a tool answers: a CallToolResult. */
export interface ToolResult {
  readonly content?: readonly ToolContent[] | undefined;
  /** Required by an output schema, and validated by it, unless `isError`. */
  readonly structuredContent?: unknown;
  /** The tool failed in a way that the model should see. The task is completed all the same. */
  readonly isError?: boolean | undefined;
  readonly _meta?: JsonObject | undefined;
}
