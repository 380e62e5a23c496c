import type { JsonObject } from "@mcp-task-store/core";
import type { CreateMessageParams, CreateMessageResult } from "./sampling-types.ts";
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

/** An address for the user behind the client to open: for what the client must not see, such as a login. */
export interface ElicitUrlRequest {
  /** Why the user should open it. */
  readonly message: string;
  /** Absolute. */
  readonly url: string;
  /**
   * By what the server later says that the user is done there (`createElicitationCompletionNotifier` of the SDK 1.x).
   * Only clients of 2025-11-25 see it. @default made of the task's id and the question's key
   */
  readonly elicitationId?: string | undefined;
}

export interface AskOptions {
  /**
   * What becomes of the run while the client answers. "hold": it waits here and keeps its lease. "suspend": it ends and
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

/** What the user did when asked to open an address. Accepted: it was agreed to; not that all is done there. */
export interface ElicitUrlAnswer {
  readonly action: "accept" | "decline" | "cancel";
}

/** Asking the client, before a task exists or within it. */
export interface AsksClient {
  /**
   * Asks the user. The answer is stored under the key: a run that starts again, in whatever process, gets the stored
   * answer and asks nobody twice. So whatever comes before this call may happen again; make it repeatable. Calls that
   * are made together (`Promise.all`) are asked together.
   * @param key names the question, unique within the tool's run; 1 to 255 bytes, not `__proto__`,
   *   nor starting as the keys of SDK 1.x do, `@modelcontextprotocol/sdk`
   * @returns what the user did; accepted content is validated, and what the schema makes of it
   * @throws ToolError -32602 if the accepted content does not fit the schema. What its JSON Schema says was judged when
   *   the client answered, so this is what only the validator knows (a refinement, a transform). Whoever catches it may
   *   ask again under another key: this one keeps its answer.
   *   ToolError -32021 if the client has no elicitation; TaskStoreError INPUT_KEY_REUSED if the key was used for another
   *   question before; a suspension, which should pass (`isSuspension`): the run ends here and starts again, for the
   *   answer or, if it held and must stop (the lease lost, the process shutting down), elsewhere
   * @see
   */
  readonly elicit: <S extends StandardSchemaWithJson>(
    key: string,
    request: ElicitRequest<S>,
    options?: AskOptions,
  ) => Promise<ElicitAnswer<OutputOf<S>>>;
  /**
   * Asks the user to open an address. Keys, repetition and errors are those of {@link elicit}: make the address the
   * same in each run. What happens there is the server's to know, by other ways than this answer.
   * @throws ToolError -32021 if the client has no `elicitation.url`; TypeError for what is no URL
   */
  readonly elicitUrl: (key: string, request: ElicitUrlRequest, options?: AskOptions) => Promise<ElicitUrlAnswer>;
  /**
   * Asks the client's model. Keys, repetition and errors are those of {@link elicit}: what is asked must be the same in
   * each run, or the key another one.
   * @returns what the model said, its shape validated
   * @throws ToolError -32602 if the answer is no sampling result; -32021 if the client has no `sampling`, or no
   *   `sampling.tools` where tools are given; the client's own error, its code and text, if it refused (on 2025-11-25)
   */
  readonly createMessage: (
    key: string,
    params: CreateMessageParams,
    options?: AskOptions,
  ) => Promise<CreateMessageResult>;
}

/** What a tool has before its task exists. */
export interface PrepareContext extends AsksClient {
  /** Fires when the client gave the call up. */
  readonly signal: AbortSignal;
}

/** What a tool has of the run it works in. Its functions may be taken out of it: `({ signal, elicit }) => …`. */
export interface ToolContext<Prepared = unknown> extends AsksClient {
  /** The task; absent where the tool runs within its request, for a client without tasks. */
  readonly taskId?: string;
  /** Which attempt at the task this is, from 1 on. Always 1 without a task. */
  readonly attempt: number;
  /** Fires when the tool should stop: cancelled, the lease lost, the time over, the process shutting down. */
  readonly signal: AbortSignal;
  /** What `prepare` returned, as JSON made it; undefined without `prepare`. */
  readonly prepared: Prepared;
  /**
   * Says what is going on: the task's status message. Call it as often as you like, about four writes a second go out,
   * with the latest text; nothing happens if it is not awaited. Text over 8,192 UTF-8 bytes is cut.
   *
   * Without a task it is a progress notification, if the client asked for those; once {@link reportProgress} was called
   * it says nothing more, since such a notification needs an amount that grows.
   */
  readonly updateStatus: (message: string) => Promise<void>;
  /**
   * Says how far the tool is, like {@link updateStatus}: "message (3 of 10)". Without a task the notification has the
   * numbers themselves, and one whose `progress` did not grow is not sent.
   */
  readonly reportProgress: (progress: ToolProgress) => Promise<void>;
}

/** One part of what a tool answers. Members that the specification does not have are left out. */
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

/** What a tool answers: a CallToolResult, as JSON makes it. */
export interface ToolResult {
  readonly content?: readonly ToolContent[] | undefined;
  /** Required by an output schema, and validated by it, unless `isError`. */
  readonly structuredContent?: unknown;
  /** The tool failed in a way that the model should see. The task is completed all the same. */
  readonly isError?: boolean | undefined;
  readonly _meta?: JsonObject | undefined;
}
