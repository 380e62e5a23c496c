import type { ToolProgress } from "./tool-context.ts";

/** Progress as a status message: "copying (3 of 10)". */
export function progressMessage({ progress, total, message }: ToolProgress): string {
  const amount = total === undefined ? `${progress}` : `${progress} of ${total}`;
  return message === undefined || message === "" ? amount : `${message} (${amount})`;
}
