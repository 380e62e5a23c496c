/** What a server process says to the demo, which plays the job queue. */
import type { DispatchReason } from "@mcp-task-store/sdk/v2";

export type FromServer =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "dispatch"; readonly taskId: string; readonly reason: DispatchReason }
  | { readonly type: "trouble"; readonly text: string };
