export type { TokenInfo } from "../principal.ts";
export type { DispatchReason, TaskHostOptions } from "../task-host.ts";
export type { McpFetch } from "./listen-http.ts";
export type { PrincipalOf } from "./principal.ts";
export type { RequestStateSeal } from "./request-state.ts";
export { TasksExtension } from "./tasks-extension.ts";
export type { TasksExtensionOptions } from "./tasks-extension.ts";
