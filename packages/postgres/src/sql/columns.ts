/** The columns of a task that every answer carries. `request` and `outcome` are read only where they were asked for. */
export const TASK_COLUMNS: readonly string[] = [
  "task_id",
  "scope",
  "generation",
  "create_id",
  "revision",
  "ring_ids",
  "ring_revisions",
  "inputs_id",
  "status",
  "status_message",
  "created_at",
  "last_updated_at",
  "ttl_ms",
  "poll_interval_ms",
  "expires_at",
  "claim_by",
  "run_until",
  "attempts",
  "cancel_requested_at",
  "inputs",
  "metadata",
  "lease_token",
  "lease_holder",
  "lease_expires_at",
  "due_at",
];

/** A select list of the columns of one table, CTE or alias. */
export function columnsOf(source: string, columns: readonly string[] = TASK_COLUMNS): string {
  return columns.map((column) => `${source}.${column}`).join(", ");
}
