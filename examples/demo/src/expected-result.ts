/** What the tasks must find, computed by the client for itself and in another way than the worker does. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskOutcome } from "@mcp-task-store/core";
import type { DigestResult } from "./digest-files.ts";
import type { SourceCopy } from "./source-copy.ts";

export function expectedResult({ directory, files }: SourceCopy): DigestResult {
  const contents = files.map((file) => readFileSync(join(directory, file)));
  const words = contents.reduce((sum, content) => sum + (content.toString("utf8").match(/\S+/g)?.length ?? 0), 0);
  const lines = contents.map((content, index) => `${hash("sha256", content)}  ${files[index]}\n`);
  return { files: files.length, words, digest: hash("sha256", lines.join("")) };
}

export function isExpected(outcome: TaskOutcome | undefined, expected: DigestResult): boolean {
  if (outcome?.status !== "completed") return false;
  const { files, words, digest } = outcome.result;
  return files === expected.files && words === expected.words && digest === expected.digest;
}

/** What a task found, for people, and whether the client agrees. */
export function compared(outcome: TaskOutcome | undefined, expected: DigestResult): string {
  if (outcome?.status !== "completed") return outcome?.status ?? "no outcome";
  const found = shown(outcome.result);
  return isExpected(outcome, expected)
    ? `${found}, as the client computed`
    : `${found}; the client: ${shown(expected)}`;
}

function shown({ files, words, digest }: Readonly<Record<string, unknown>>): string {
  const count = typeof words === "number" ? words.toLocaleString("en") : String(words);
  return `${String(files)} files, ${count} words, digest ${String(digest).slice(0, 8)}…`;
}
