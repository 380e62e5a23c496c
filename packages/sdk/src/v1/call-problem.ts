import type { JsonObject } from "@mcp-task-store/core";
import { CallToolRequestSchema, type JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { isJsonObject } from "../stored-call.ts";

/**
 * What is wrong with the shape of a `tools/call`; undefined: nothing. The SDK would call it an internal error, in the
 * words of its schema library.
 */
export function callProblem(call: JSONRPCRequest): string | undefined {
  const { params = {} } = call;
  const { name, arguments: args, task } = params;
  if (typeof name !== "string") return "name must be a string";
  if (args !== undefined && !isJsonObject(args)) return "arguments must be an object";
  if (!isTaskWish(task)) return "task must be an object, its ttl a number";
  if (typeof task?.["ttl"] === "number" && !(task["ttl"] > 0)) {
    return "task.ttl must be a positive number of milliseconds";
  }
  return CallToolRequestSchema.safeParse(call).success ? undefined : "they are not as the specification has them";
}

function isTaskWish(task: unknown): task is JsonObject | undefined {
  if (task === undefined) return true;
  return isJsonObject(task) && (task["ttl"] === undefined || typeof task["ttl"] === "number");
}
