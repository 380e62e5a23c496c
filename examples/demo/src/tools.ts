/** The tools of the demo. The server offers them, the workers run them. */
import { defineTaskTool, type TaskTool, type ToolContext, type ToolResult } from "@mcp-task-store/sdk";
import { z } from "zod";
import { type DigestOrder, digestFiles, type DigestResult } from "./digest-files.ts";
import { asError } from "./within.ts";

/** Told what a run does: a tool has no need of it, the demo shows it. */
export interface RunObserver {
  /** `ctx.signal` fired. */
  onSignal(taskId: string, reason: string): void;
  onSlice(taskId: string, done: number): void;
}

const orderSchema = z.object({
  directory: z.string(),
  slices: z.int().min(1),
  pauseMs: z.int().min(0).describe("pause after each slice, ms"),
});
export const resultSchema: z.ZodType<DigestResult> = z.object({ files: z.int(), words: z.int(), digest: z.string() });

export function digestTools(observer?: RunObserver): readonly TaskTool[] {
  const run = async (order: DigestOrder, context: ToolContext): Promise<ToolResult> => {
    const { taskId = "no task", signal } = context;
    signal.addEventListener("abort", () => observer?.onSignal(taskId, asError(signal.reason).message));
    const result = await digestFiles(context, order, (done) => observer?.onSlice(taskId, done));
    return {
      content: [{ type: "text", text: `${result.files} files, digest ${result.digest}` }],
      structuredContent: result,
    };
  };
  return [
    defineTaskTool({
      name: "digest_files",
      description: "Hashes and counts the words of a directory's files",
      inputSchema: orderSchema,
      outputSchema: resultSchema,
      taskSupport: "required",
      pollIntervalMs: 100,
      run,
    }),
    defineTaskTool({
      name: "publish_digest",
      description: "The same, once the user has agreed",
      inputSchema: orderSchema,
      taskSupport: "required",
      pollIntervalMs: 100,
      run: async (order, context) => {
        const answer = await context.elicit(
          "approval",
          { message: "Publish the digest of these files?", requestedSchema: z.object({ publish: z.boolean() }) },
          // No worker waits with it.
          { whileWaiting: "suspend" },
        );
        if (answer.action === "accept" && answer.content.publish) return await run(order, context);
        return { content: [{ type: "text", text: "not published" }] };
      },
    }),
  ];
}
