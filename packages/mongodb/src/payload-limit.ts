import { TaskStoreError } from "@mcp-task-store/core";

/**
 * The largest JSON text of one payload, bytes. MongoDB stores a row of at most 16 MiB: four payloads (request, inputs,
 * metadata, outcome) take up 8 MiB at most and the messages 7, so that a task can always be ended.
 */
export const MAX_PAYLOAD_BYTES: number = 2 * 1024 * 1024;

/** Looked at before anything is sent. @throws TaskStoreError PAYLOAD_TOO_LARGE naming the payload */
export function checkPayload(text: string | null | undefined, argument: string): void {
  if (typeof text !== "string" || text.length * 3 <= MAX_PAYLOAD_BYTES) return;
  if (Buffer.byteLength(text) <= MAX_PAYLOAD_BYTES) return;
  throw new TaskStoreError(
    "PAYLOAD_TOO_LARGE",
    `${argument} is too large; at most ${MAX_PAYLOAD_BYTES} bytes of JSON`,
    {
      argument,
    },
  );
}
