/**
 * Key of `_meta` in a CreateTaskResult: a text that the model may use at once, while the task runs. Generation
 * 2025-11-25 only; optional, a string.
 * @see spec 2025-11-25 basic/utilities/tasks; `MODEL_IMMEDIATE_RESPONSE_KEY` of the Python SDK
 */
export const MODEL_IMMEDIATE_RESPONSE_KEY = "io.modelcontextprotocol/model-immediate-response";

/**
 * Key of `_meta` whose value `{ taskId }` ties a message to its task. Generation 2025-11-25: on every related message
 * but the get, list and cancel ones and status notifications. Never in generation 2026-07-28.
 * @see S-26, S-41 … S-47; `RELATED_TASK_METADATA_KEY` of the Python SDK
 */
export const RELATED_TASK_METADATA_KEY = "io.modelcontextprotocol/related-task";
