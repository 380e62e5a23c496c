import type { JsonObject } from "@mcp-task-store/core";

/** One part of what is said to a model, or by it. Members that the specification does not have are passed on. */
export type SamplingContent =
  | { readonly type: "text"; readonly text: string; readonly [key: string]: unknown }
  | {
      readonly type: "image" | "audio";
      /** Base64. */
      readonly data: string;
      readonly mimeType: string;
      readonly [key: string]: unknown;
    }
  | {
      readonly type: "tool_use";
      readonly id: string;
      readonly name: string;
      readonly input: JsonObject;
      readonly [key: string]: unknown;
    }
  | {
      readonly type: "tool_result";
      readonly toolUseId: string;
      readonly content?: readonly JsonObject[] | undefined;
      readonly [key: string]: unknown;
    };

export interface SamplingMessage {
  readonly role: "user" | "assistant";
  readonly content: SamplingContent | readonly SamplingContent[];
}

/** What the client's model is asked: the params of `sampling/createMessage`. The client may change or refuse it. */
export interface CreateMessageParams {
  /** At least one. */
  readonly messages: readonly SamplingMessage[];
  /** How much the model may say at most, tokens. */
  readonly maxTokens: number;
  readonly systemPrompt?: string | undefined;
  readonly modelPreferences?: JsonObject | undefined;
  readonly includeContext?: "none" | "thisServer" | "allServers" | undefined;
  readonly temperature?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  /** For the provider of the model. */
  readonly metadata?: JsonObject | undefined;
  /** Tools that the model may want to use; needs a client with `sampling.tools`. */
  readonly tools?: readonly JsonObject[] | undefined;
  readonly toolChoice?: { readonly mode?: "auto" | "required" | "none" | undefined } | undefined;
}

/** What the model said. */
export interface CreateMessageResult {
  readonly role: "user" | "assistant";
  /** The model that said it. */
  readonly model: string;
  readonly content: SamplingContent | readonly SamplingContent[];
  /** Such as "endTurn", "stopSequence", "maxTokens", "toolUse". */
  readonly stopReason?: string | undefined;
  readonly [key: string]: unknown;
}
