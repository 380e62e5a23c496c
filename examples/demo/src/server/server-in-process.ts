/** An MCP server in this process, on the tasks of this process. */
import type { TaskStore, TaskStoreOptions } from "@mcp-task-store/core";
import { asError } from "../within.ts";
import { serveTasks } from "./serve-tasks.ts";
import type { TaskServer, TaskServerOptions } from "./task-server.ts";

export async function startServerInProcess(
  openStore: (options: TaskStoreOptions) => TaskStore,
  { port, onDispatch, onTrouble }: TaskServerOptions,
): Promise<TaskServer> {
  const served = await serveTasks({
    openStore,
    port,
    dispatch: onDispatch,
    onError: (error) => onTrouble(`server: ${asError(error).message}`),
  });
  let isAlive = true;
  const stop = async (): Promise<void> => {
    if (!isAlive) return;
    isAlive = false;
    await served.close();
  };
  return {
    where: "in this process",
    port: served.port,
    get isAlive() {
      return isAlive;
    },
    lose: () => Promise.reject(new Error("a server in this process cannot be killed alone")),
    stop,
  };
}
