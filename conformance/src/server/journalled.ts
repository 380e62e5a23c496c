import type { JsonObject } from "@mcp-task-store/core";
import { anyEnd } from "../attempt.ts";
import type { Journal } from "../journal.ts";
import { shown } from "../shown.ts";
import type { HttpAnswer } from "./http-answer.ts";

/** The request and how it ended, for who reads a verdict. */
export async function journalled(
  journal: Journal,
  method: string,
  params: JsonObject,
  send: () => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const line = journal.start(method, [params]);
  const called = await anyEnd(send());
  if (called.kind === "rejected") {
    journal.failed(line, called.error);
    throw called.error;
  }
  const { status, message } = called.value;
  line.ending = () => `→ HTTP ${status} ${shown(message?.error ?? message?.result, 240)}`;
  return called.value;
}
