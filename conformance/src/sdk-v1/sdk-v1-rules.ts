/**
 * Rules for all stores that the interfaces of the SDK 1.x can express: they use no revision, wait, lease or question, no
 * id, metadata or page length of the caller's choice, and no JSON-RPC error as an outcome.
 */
export const SDK_V1_RULES: readonly string[] = [
  "ids/unguessable",
  "ids/unique",
  "lifecycle/updated-moves",
  "cancel/late-result",
  "cancel/not-starved",
  "cancel/race-finish",
  "cancel/terminal-rejected",
  "finish/atomic",
  "finish/final",
  "ttl/no-return",
  "ttl/not-early",
  "ttl/restart",
  "ttl/restart-once",
  "list/complete",
  "list/same-instant",
  "messages/bounded",
  "messages/fifo",
  "v1/bad-cursor",
  "v1/bare",
  "v1/codes",
  "v1/fields",
  "v1/guards",
  "v1/message",
  "v1/payload",
  "v1/reopen",
  "v1/snapshots",
  "v1/status",
  "v1/times",
  "v1/ttl",
  "v1/cursor-task-gone",
  "v1/queue-drain",
  "v1/queue-ends",
];

/** Those that rest on sessions. */
export const SDK_V1_SESSION_RULES: readonly string[] = ["v1/session", "v1/unbound"];
