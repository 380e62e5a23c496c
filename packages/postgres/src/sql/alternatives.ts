import type { EncodedAlternative } from "@mcp-task-store/core/adapter";

/**
 * The columns that an alternative has inside the write statement, and their types. `if_…` are guards: null asks for
 * nothing. Text columns that are integers here point into the texts, from 1: absent leaves the field alone, 0 clears it.
 */
export const ALTERNATIVE_COLUMNS: Readonly<Record<keyof EncodedAlternative, string>> = {
  if_open: "boolean",
  if_status: "text",
  if_lease: "text",
  if_token: "bigint",
  if_inputs: "integer",
  if_generation: "text",
  if_cancel_requested: "boolean",
  if_attempts_below: "bigint",
  if_claim_over: "boolean",
  if_run_over: "boolean",
  to_status: "text",
  to_message: "integer",
  to_poll_interval_ms: "bigint",
  to_inputs: "integer",
  to_metadata: "integer",
  to_outcome: "integer",
  set_ttl: "boolean",
  to_ttl_ms: "bigint",
  restart_ttl: "boolean",
  lease: "text",
  holder: "integer",
  lease_ms: "bigint",
  grace_ms: "bigint",
  set_claim: "boolean",
  claim_in_ms: "bigint",
  set_run: "boolean",
  run_in_ms: "bigint",
  add_attempts: "integer",
  request_cancel: "boolean",
};
