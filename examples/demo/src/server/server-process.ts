/** An MCP server that is a process of its own. */
import { join } from "node:path";
import { startProcess } from "../demo-process.ts";
import type { FromServer } from "./messages.ts";
import type { TaskServer, TaskServerOptions } from "./task-server.ts";

/** @throws Error when it ends before it listens */
export async function startServerProcess(
  environment: Readonly<Record<string, string>>,
  { port: wantedPort, onDispatch, onTrouble }: TaskServerOptions,
): Promise<TaskServer> {
  return await new Promise<TaskServer>((resolve, reject) => {
    const server = startProcess({
      program: join(import.meta.dirname, "..", "server.ts"),
      arguments: [String(wantedPort)],
      environment,
      onLine: (line) => onTrouble(`server: ${line}`),
      onMessage: (message: FromServer) => {
        if (message.type === "listening") resolve(listening(message.port));
        else if (message.type === "dispatch") onDispatch(message.taskId, message.reason);
        else onTrouble(`server: ${message.text}`);
      },
      onEnd: (ending) => reject(new Error(`the server has ended (${ending})`)),
    });
    const listening = (port: number): TaskServer => ({
      where: `pid ${server.pid}`,
      port,
      get isAlive() {
        return server.isAlive();
      },
      lose: server.kill,
      stop: server.stop,
    });
  });
}
