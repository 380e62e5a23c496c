/** A worker that is a process of its own. */
import { join } from "node:path";
import { startProcess } from "../demo-process.ts";
import { Inbox } from "./inbox.ts";
import type { FromWorker } from "./messages.ts";
import type { Worker } from "./worker.ts";

export interface WorkerProcessOptions {
  readonly name: string;
  /** Takes what the process writes to stderr, and its troubles, a line each. */
  readonly onTrouble: (line: string) => void;
  readonly environment: Readonly<Record<string, string>>;
}

export function startWorkerProcess({ name, onTrouble, environment }: WorkerProcessOptions): Worker {
  const inbox = new Inbox();
  const worker = startProcess({
    program: join(import.meta.dirname, "..", "worker.ts"),
    arguments: [name],
    environment,
    onLine: (line) => onTrouble(`${name}: ${line}`),
    onMessage: (message: FromWorker) => {
      if (message.type === "trouble") onTrouble(`${name}: ${message.text}`);
      inbox.receive(message);
    },
    onEnd: (ending) => inbox.end(new Error(`${name} has ended (${ending})`)),
  });
  return {
    name,
    where: `pid ${worker.pid}`,
    inbox,
    get isAlive() {
      return worker.isAlive();
    },
    send: worker.send,
    lose: worker.kill,
    stop: worker.stop,
  };
}
