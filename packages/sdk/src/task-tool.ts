import type { JsonObject } from "@mcp-task-store/core";
import type { OutputOf, StandardSchemaWithJson } from "./schema.ts";
import type { PrepareContext, ToolContext, ToolResult } from "./tool-context.ts";

/** What clients are told of a tool, besides its schemas. */
export interface ToolDescription {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly annotations?: ToolAnnotations | undefined;
  readonly _meta?: JsonObject | undefined;
}

/** Hints for the client; see the MCP specification of tools. */
export interface ToolAnnotations {
  readonly title?: string | undefined;
  readonly readOnlyHint?: boolean | undefined;
  readonly destructiveHint?: boolean | undefined;
  readonly idempotentHint?: boolean | undefined;
  readonly openWorldHint?: boolean | undefined;
}

/** How a tool's tasks are made. */
export interface TaskSettings {
  /**
   * "optional": a client without tasks gets the result within its request. "required": such a client is refused.
   * @default "optional"
   */
  readonly taskSupport?: "optional" | "required" | undefined;
  /** Lifetime of its tasks, ms; null: unlimited. @default the store's */
  readonly ttlMs?: number | null | undefined;
  /** How often clients should poll, ms. @default the store's */
  readonly pollIntervalMs?: number | undefined;
  /** How long one run may take, ms. @default the store's */
  readonly maxRunMs?: number | undefined;
  /**
   * What a client may tell its model while the task runs, such as "The report comes within an hour". Part of the answer
   * that names the task; 2026-07-28 has no place for it. @default nothing
   */
  readonly immediateResponse?: string | undefined;
}

/** What {@link defineTaskTool} takes. */
export interface TaskToolDefinition<In extends StandardSchemaWithJson, Prepared extends JsonObject | undefined>
  extends ToolDescription, TaskSettings {
  /** @default a tool without arguments */
  readonly inputSchema?: In | undefined;
  /** What `structuredContent` is validated by. */
  readonly outputSchema?: StandardSchemaWithJson | undefined;
  /**
   * Runs within the request, before there is a task: what the client must be asked before work begins. It is run
   * again for each round of questions, with the answers so far. What it returns is stored with the task. Write it above
   * `run`: TypeScript infers what `ctx.prepared` is in that order.
   */
  readonly prepare?:
    | ((args: OutputOf<In>, context: PrepareContext) => Promise<Prepared | void> | Prepared | void)
    | undefined;
  /**
   * Does the work, in any process, perhaps more than once: a run whose worker was lost starts again from the top.
   * What it returns completes the task, `isError` too. Thrown: a {@link ToolError}, or an error with a code that
   * JSON-RPC reserves, fails the task with exactly that JSON-RPC error; any other becomes an `isError` result, as in the
   * official SDK.
   */
  readonly run: (args: OutputOf<In>, context: ToolContext<Prepared>) => Promise<ToolResult> | ToolResult;
}

/** A tool as servers and workers take it. Made by {@link defineTaskTool}. */
export interface TaskTool extends ToolDescription, TaskSettings {
  readonly taskSupport: "optional" | "required";
  readonly inputSchema?: StandardSchemaWithJson | undefined;
  readonly outputSchema?: StandardSchemaWithJson | undefined;
  /** `prepare` on arguments that are validated first. */
  readonly prepare?: ((args: unknown, context: PrepareContext) => Promise<JsonObject | undefined>) | undefined;
  /** `run` on arguments that are validated first, its result validated too. */
  readonly run: (args: unknown, context: ToolContext<JsonObject | undefined>) => Promise<ToolResult>;
}
