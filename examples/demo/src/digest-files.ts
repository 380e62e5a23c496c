/** The work of the demo's tasks: hashes and counts the words of the files of a directory, slice by slice. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ToolContext } from "@mcp-task-store/sdk";
import { listFiles } from "./list-files.ts";

/** What a task's request asks for. */
export interface DigestOrder {
  readonly directory: string;
  readonly slices: number;
  /** Pause after each slice, ms: real work of this size would be over before one could interrupt it. */
  readonly pauseMs: number;
}

/** A type, not an interface: only so it is plain JSON to the compiler. */
export type DigestResult = {
  readonly files: number;
  readonly words: number;
  /** SHA-256 over a line for each file: its SHA-256 and its path. */
  readonly digest: string;
};

/**
 * @param onSlice told how many slices are done
 * @throws the reason of `context.signal`, soon after it fired
 */
export async function digestFiles(
  context: Pick<ToolContext, "signal" | "updateStatus">,
  order: DigestOrder,
  onSlice: (done: number) => void,
): Promise<DigestResult> {
  const { signal } = context;
  const files = listFiles(order.directory);
  const overall = createHash("sha256");
  let words = 0;
  let next = 0;
  for (let slice = 1; slice <= order.slices; slice += 1) {
    const end = Math.round((files.length * slice) / order.slices);
    for (const file of files.slice(next, end)) {
      signal.throwIfAborted();
      const content = await readFile(join(order.directory, file));
      overall.update(`${createHash("sha256").update(content).digest("hex")}  ${file}\n`);
      words += content
        .toString("utf8")
        .split(/\s+/)
        .filter((word) => word !== "").length;
    }
    next = end;
    onSlice(slice);
    // Not awaited: the context sends the latest report a few times a second and keeps what the store answers.
    void context.updateStatus(progressText({ slice, slices: order.slices, files: next, words }));
    await pause(order.pauseMs, undefined, { signal });
  }
  return { files: files.length, words, digest: overall.digest("hex") };
}

interface Progress {
  readonly slice: number;
  readonly slices: number;
  readonly files: number;
  readonly words: number;
}

function progressText({ slice, slices, files, words }: Progress): string {
  return `slice ${slice} of ${slices}: ${files} files, ${words.toLocaleString("en")} words`;
}

/** How much of the work a status message reports, 0 to 1. */
export function progressIn(statusMessage: string | undefined): number {
  const [, slice, slices] = /^slice (\d+) of (\d+):/.exec(statusMessage ?? "") ?? [];
  return slice === undefined || slices === undefined ? 0 : Number(slice) / Number(slices);
}
