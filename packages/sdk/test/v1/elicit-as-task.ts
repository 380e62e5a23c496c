import { requireTaskAugmentedElicitation } from "@mcp-task-store/core";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { ElicitRequestFormParams, ElicitResult, RequestId } from "@modelcontextprotocol/sdk/types.js";

/** Asks by a task of the client's own, polled until it ends. @param relatedRequestId `extra.requestId` of the call */
export async function elicitAsTask(
  { server }: McpServer,
  params: ElicitRequestFormParams,
  relatedRequestId: RequestId,
): Promise<ElicitResult> {
  requireTaskAugmentedElicitation(server.getClientCapabilities()); // the SDK would ask all the same
  const options = { task: { ttl: 60_000 }, relatedRequestId };
  for await (const message of server.experimental.tasks.elicitInputStream(params, options)) {
    if (message.type === "result") return message.result;
    if (message.type === "error") throw message.error;
  }
  throw new Error("The client's task has no end.");
}
