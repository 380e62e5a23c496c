/**
 * Which requests a client accepts as tasks (generation 2025-11-25): what servers must know before they send it a
 * task-augmented elicitation or sampling request (S-02, S-03). `requests` is exhaustive: what it does not name, the
 * client does not do.
 */
import { TaskStoreError } from "./errors.ts";

/** `capabilities.tasks` of a client. A present object means "supported", whatever is in it. */
export interface ClientTasksCapability {
  readonly list?: object | undefined;
  readonly cancel?: object | undefined;
  readonly requests?:
    | {
        readonly elicitation?: { readonly create?: object | undefined } | undefined;
        readonly sampling?: { readonly createMessage?: object | undefined } | undefined;
      }
    | undefined;
}

/** The part of a client's capabilities that is read here; the SDK's own type fits. */
export interface CapabilitiesWithTasks {
  readonly tasks?: ClientTasksCapability | undefined;
}

/**
 * Whether a client has every task request that is required. True if none is; false if some are and the client names
 * none. Only elicitation.create and sampling.createMessage are looked at.
 * @see `check_tasks_capability` of the Python SDK
 */
export function checkTasksCapability(required: ClientTasksCapability, client: ClientTasksCapability): boolean {
  if (required.requests === undefined) return true;
  if (client.requests === undefined) return false;
  const needs = { tasks: required };
  const has = { tasks: client };
  return (
    (!hasTaskAugmentedElicitation(needs) || hasTaskAugmentedElicitation(has)) &&
    (!hasTaskAugmentedSampling(needs) || hasTaskAugmentedSampling(has))
  );
}

/** Whether the client takes elicitation/create as a task. @see `has_task_augmented_elicitation` of the Python SDK */
export function hasTaskAugmentedElicitation(capabilities: CapabilitiesWithTasks): boolean {
  return capabilities.tasks?.requests?.elicitation?.create !== undefined;
}

/** Whether the client takes sampling/createMessage as a task. @see `has_task_augmented_sampling` of the Python SDK */
export function hasTaskAugmentedSampling(capabilities: CapabilitiesWithTasks): boolean {
  return capabilities.tasks?.requests?.sampling?.createMessage !== undefined;
}

/**
 * @param capabilities undefined: the client has not told them
 * @throws TaskStoreError NOT_SUPPORTED unless the client takes elicitation/create as a task; bridges answer with -32600
 * @see `require_task_augmented_elicitation` of the Python SDK
 */
export function requireTaskAugmentedElicitation(capabilities: CapabilitiesWithTasks | undefined): void {
  if (capabilities === undefined || !hasTaskAugmentedElicitation(capabilities)) throw missing("elicitation.create");
}

/**
 * @param capabilities undefined: the client has not told them
 * @throws TaskStoreError NOT_SUPPORTED unless the client takes sampling/createMessage as a task; bridges answer with -32600
 * @see `require_task_augmented_sampling` of the Python SDK
 */
export function requireTaskAugmentedSampling(capabilities: CapabilitiesWithTasks | undefined): void {
  if (capabilities === undefined || !hasTaskAugmentedSampling(capabilities)) throw missing("sampling.createMessage");
}

function missing(request: string): TaskStoreError {
  return new TaskStoreError("NOT_SUPPORTED", `The client does not declare the capability tasks.requests.${request}.`);
}
