import { v4 } from "uuid";

/**
 * A new task id: a UUID v4 in its text form, 122 bits from the runtime's cryptographic generator. Nobody guesses it,
 * so it may serve as the capability of an unowned task.
 * @see S-21, S-71, X-58; `generate_task_id` of the Python SDK
 */
export function generateTaskId(): string {
  return v4();
}
