import type { Generation, TaskStatus } from "@mcp-task-store/core";

/** Ids that are easily mixed up or taken for syntax; none has a control character. */
export const TASK_IDS: readonly string[] = [
  "task",
  "Task",
  "task ",
  "task%",
  "it's",
  "a:b",
  "{a}:*",
  "\u{1f600}",
  "\ufb01",
  "-",
];

/** `null`: unowned. The others must be told apart byte by byte. */
export const SCOPES: readonly (string | null)[] = [null, "p1", "P1", "p1 ", "\u00e9", "e\u0301"];

export const GENERATIONS: readonly [Generation, Generation] = ["2025-11-25", "2026-07-28"];

export const STATUSES: readonly TaskStatus[] = ["working", "input_required", "completed", "failed", "cancelled"];

export const HOLDERS: readonly string[] = ["worker-1", "Worker-1", "o'brien \u{1f600}"];

/** Status messages: any text without NUL. */
export const TEXTS: readonly string[] = [
  "",
  " ",
  "half",
  'it\'s "50\\%"',
  "line\nbreak\ttab",
  "\u2028 \u{1f600} e\u0301",
  "null",
  "x".repeat(8192),
];

/** JSON texts that come back changed if somebody parses and prints them, and one that is long enough to be compressed. */
export const PAYLOADS: readonly string[] = [
  "{}",
  "null",
  ' { "b" : 1 , "a" : [ ] } ',
  '{"z":1,"a":1,"z":2}',
  '{"__proto__":{"x":1},"a.b":1,"$where":0,"":0}',
  '"\\u0000 \\ud83d"',
  "[1e400,-0,5e-324,9007199254740993,0.1]",
  '{"text":"\u2028 \u{1f600} e\u0301"}',
  JSON.stringify({ long: Array.from({ length: 400 }, (_, at) => `item ${at}`) }),
];
