export type { DispatchReason, TaskHostOptions } from "../task-host.ts";
export type { TokenInfo } from "../principal.ts";
export { createSdkTaskMessageQueue } from "./sdk-message-queue.ts";
export type { SdkStoreOptions, SessionPrincipalOf } from "./sdk-principal.ts";
export { createSdkTaskStore } from "./sdk-task-store.ts";
export { canUseTool, taskModeError, taskRequestContext, validateForTool, validateTaskMode } from "./task-mode.ts";
export type { TaskMode, TaskRequestContext } from "./task-mode.ts";
export { TasksSupport } from "./tasks-support.ts";
export type { TasksSupportOptions } from "./tasks-support.ts";
