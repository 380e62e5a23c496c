/** What the tasks must find, computed by the client for itself and in another way than the worker does. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ClientTask } from "@mcp-task-store/example-servers/task-client";
import type { DigestResult } from "./digest-files.ts";
import type { SourceCopy } from "./source-copy.ts";
import { resultSchema } from "./tools.ts";

export function expectedResult({ directory, files }: SourceCopy): DigestResult {
  const contents = files.map((file) => readFileSync(join(directory, file)));
  const words = contents.reduce((sum, content) => sum + (content.toString("utf8").match(/\S+/g)?.length ?? 0), 0);
  const lines = contents.map((content, index) => `${hash("sha256", content)}  ${files[index]}\n`);
  return { files: files.length, words, digest: hash("sha256", lines.join("")) };
}

export function isExpected(task: ClientTask, expected: DigestResult): boolean {
  const found = foundBy(task);
  return found?.files === expected.files && found.words === expected.words && found.digest === expected.digest;
}

/** What a task found, for people, and whether the client agrees. */
export function compared(task: ClientTask, expected: DigestResult): string {
  const found = foundBy(task);
  if (found === undefined) return `${task.status}, without a digest`;
  return isExpected(task, expected)
    ? `${shown(found)}, as the client computed`
    : `${shown(found)}; the client: ${shown(expected)}`;
}

/** Like everything that comes over the wire it is checked before it is used. */
function foundBy({ result }: ClientTask): DigestResult | undefined {
  return resultSchema.safeParse(result?.structuredContent).data;
}

function shown({ files, words, digest }: DigestResult): string {
  return `${files} files, ${words.toLocaleString("en")} words, digest ${digest.slice(0, 8)}…`;
}
