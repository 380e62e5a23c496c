import type { ToolProgress } from "./tool-context.ts";

const AMOUNT = String.raw`(?<progress>-?\d+(?:\.\d+)?(?:e[+-]\d+)?)(?: of (?<total>-?\d+(?:\.\d+)?(?:e[+-]\d+)?))?`;
const BARE = new RegExp(`^${AMOUNT}$`, "u");
const WITH_MESSAGE = new RegExp(String.raw`^(?<message>.+) \(${AMOUNT}\)$`, "su");

/** Progress as a status message: "copying (3 of 10)". */
export function progressMessage({ progress, total, message }: ToolProgress): string {
  const amount = total === undefined ? `${progress}` : `${progress} of ${total}`;
  return message === undefined || message === "" ? amount : `${message} (${amount})`;
}

/**
 * What {@link progressMessage} made a status message of, in whatever process; undefined for one that says no amount. A
 * task keeps its message only, so that a report is one write and any client can show it.
 */
export function progressOf(statusMessage: string): ToolProgress | undefined {
  const { progress, total, message } = (BARE.exec(statusMessage) ?? WITH_MESSAGE.exec(statusMessage))?.groups ?? {};
  if (progress === undefined) return undefined;
  return {
    progress: Number(progress),
    ...(total !== undefined && { total: Number(total) }),
    ...(message !== undefined && { message }),
  };
}
