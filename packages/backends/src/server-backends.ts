import { mongoIsLeftOut, postgresIsLeftOut, redisIsLeftOut } from "@mcp-task-store/services";

export type ServerBackendName = "postgres" | "redis" | "mongodb";

/** The order is that of tables. */
export const serverBackends: readonly ServerBackendName[] = ["postgres", "redis", "mongodb"];

const LEFT_OUT: Readonly<Record<ServerBackendName, () => boolean>> = {
  postgres: postgresIsLeftOut,
  redis: redisIsLeftOut,
  mongodb: mongoIsLeftOut,
};

/** Whether this run does without it: MCP_TASK_STORE_POSTGRES=off and its like. */
export function isLeftOut(name: ServerBackendName): boolean {
  return LEFT_OUT[name]();
}
