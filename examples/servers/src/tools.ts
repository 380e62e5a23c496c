/** The tools that every server here offers. They run in the server, or in a worker, and do not know which. */
import { setTimeout as pause } from "node:timers/promises";
import { defineTaskTool, type TaskTool } from "@mcp-task-store/sdk";
import { z } from "zod";

const writeReport: TaskTool = defineTaskTool({
  name: "write_report",
  description: "Writes a report, page by page",
  inputSchema: z.object({
    topic: z.string(),
    pages: z.int().min(1).max(100).default(3),
    pageMs: z.int().min(1).max(10_000).default(100).describe("how long a page takes, ms"),
  }),
  pollIntervalMs: 100,
  run: async ({ topic, pages, pageMs }, { signal, reportProgress }) => {
    for (let page = 1; page <= pages; page += 1) {
      // Fires on a cancel from any process, and when this process shuts down: throwing gives the task back then.
      await pause(pageMs, undefined, { signal });
      void reportProgress({ progress: page, total: pages, message: `page ${page}` });
    }
    return { content: [{ type: "text", text: `${pages} pages on ${topic}` }] };
  },
});

const publishReport: TaskTool = defineTaskTool({
  name: "publish_report",
  description: "Publishes a report once the user has agreed",
  inputSchema: z.object({ topic: z.string() }),
  taskSupport: "required",
  pollIntervalMs: 100,
  run: async ({ topic }, { elicit }) => {
    const answer = await elicit(
      "approval",
      { message: `Publish the report on ${topic}?`, requestedSchema: z.object({ publish: z.boolean() }) },
      // Nobody works on the task until the user has answered, be it in days: that starts the tool again from the top.
      { whileWaiting: "suspend" },
    );
    const isApproved = answer.action === "accept" && answer.content.publish;
    return { content: [{ type: "text", text: isApproved ? `published: ${topic}` : `not published: ${topic}` }] };
  },
});

export const tools: readonly TaskTool[] = [writeReport, publishReport];
