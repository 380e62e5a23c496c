import type { TaskTool, ToolAnnotations } from "./task-tool.ts";

export interface ListedTool {
  title?: string;
  description?: string;
  annotations?: ToolAnnotations;
  _meta?: Record<string, unknown>;
}

/** What any SDK lists of a tool besides its name and schemas. Members are left out, not undefined: SDKs look for them. */
export function listedTool({ title, description, annotations, _meta }: TaskTool): ListedTool {
  return {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(annotations !== undefined && { annotations }),
    ...(_meta !== undefined && { _meta: { ..._meta } }),
  };
}
