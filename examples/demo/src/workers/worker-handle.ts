/** A worker in this process: its own handle on the shared tasks, and messages that are copied as between processes. */
import type { TaskStore } from "@mcp-task-store/core";
import { Inbox } from "./inbox.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { Worker } from "./worker.ts";
import { WorkerLoop } from "./worker-loop.ts";

export interface WorkerHandleOptions {
  readonly name: string;
  /** This worker's alone; it is closed with it. */
  readonly store: TaskStore;
  readonly onTrouble: (line: string) => void;
}

export function startWorkerHandle({ name, store, onTrouble }: WorkerHandleOptions): Worker {
  const inbox = new Inbox();
  let isAlive = true;
  const send = (message: FromWorker): void => {
    // A process that was killed says nothing more either.
    if (!isAlive) return;
    if (message.type === "trouble") onTrouble(`${name}: ${message.text}`);
    inbox.receive(structuredClone(message));
  };
  const loop = new WorkerLoop({ name, store, send });
  const end = async (graceMs: number): Promise<void> => {
    isAlive = false;
    inbox.end(new Error(`${name} has ended`));
    await store.close({ graceMs });
  };
  send({ type: "ready" });
  return {
    name,
    where: "a handle in this process",
    inbox,
    get isAlive() {
      return isAlive;
    },
    send: (message: ToWorker) => {
      setImmediate(() => {
        if (isAlive) loop.receive(structuredClone(message));
      });
    },
    // The nearest thing to a kill: heartbeat, reports and the end of its run find the store closed.
    lose: () => end(0),
    stop: () => end(1_000),
  };
}
