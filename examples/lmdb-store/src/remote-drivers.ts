import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type DriverCallOptions, type TaskDriver, TaskStoreError } from "@mcp-task-store/core";
import { unlessAborted } from "@mcp-task-store/core/adapter";
import type { Answer, Call, MethodName } from "./driver-calls.ts";
import { CAPABILITIES } from "./lmdb-environment.ts";

/** Where a lost answer leaves open whether something was written. */
const WRITES: ReadonlySet<MethodName> = new Set<MethodName>(["insert", "write", "remove", "push", "take"]);

/** A process of its own that runs drivers: started when it is first needed, and again after it was killed. */
export class DriverProcess {
  /** Who waits for the answer to a call; undefined: it is lost. */
  readonly #waiting = new Map<string, (text: string | undefined) => void>();
  #child: ChildProcess | undefined;
  #calls = 0;
  #handles = 0;

  /** SIGKILL: whatever it was doing, it does no more. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }

  /** A driver on a directory that lives in that process, and dies with it. */
  driver(path: string): TaskDriver {
    const child = (this.#child ??= this.#start());
    this.#handles += 1;
    const handle = this.#handles;
    const call = async <T>(method: MethodName, options: DriverCallOptions = {}, ...args: unknown[]): Promise<T> => {
      const { signal, ...rest } = options;
      if (signal?.aborted === true || child !== this.#child) throw lost("STORE_UNAVAILABLE");
      const text = await unlessAborted(
        this.#send(child, { path, handle, method, args: [...args, rest] }),
        signal,
      ).catch(() => undefined);
      if (text === undefined) throw lost(WRITES.has(method) ? "WRITE_OUTCOME_UNKNOWN" : "STORE_UNAVAILABLE");
      const answer: Answer<T> = JSON.parse(text);
      if ("refusal" in answer) throw new TaskStoreError(answer.refusal.code, answer.refusal.message, answer.refusal);
      return answer.value;
    };
    return {
      name: "lmdb",
      capabilities: CAPABILITIES,
      setup: (options) => call("setup", options),
      insert: (insert, options) => call("insert", options, insert),
      read: (taskIds, options) => call("read", options, taskIds),
      write: (write, options) => call("write", options, write),
      remove: (remove, options) => call("remove", options, remove),
      page: (query, options) => call("page", options, query),
      due: (limit, holdMs, options) => call("due", options, limit, holdMs),
      messages: {
        push: (push, options) => call("push", options, push),
        take: (take, options) => call("take", options, take),
      },
      close: async () => {
        if (child === this.#child) await call("close");
      },
    };
  }

  #send(child: ChildProcess, call: Call): Promise<string | undefined> {
    this.#calls += 1;
    const id = String(this.#calls);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      // A process that is gone may not have been noticed yet. Without a callback that would be an "error" event.
      child.send([id, JSON.stringify(call)], (error) => {
        if (error === null) return;
        this.#waiting.delete(id);
        resolve(undefined);
      });
    });
  }

  #start(): ChildProcess {
    const child = fork(new URL("driver-process.ts", import.meta.url));
    child.on("message", (message) => {
      const [id, text] = Array.isArray(message) ? message.map(String) : [];
      this.#waiting.get(id ?? "")?.(text);
      this.#waiting.delete(id ?? "");
    });
    child.on("exit", () => {
      if (this.#child === child) this.#child = undefined;
      for (const lose of this.#waiting.values()) lose(undefined);
      this.#waiting.clear();
    });
    return child;
  }
}

function lost(code: "STORE_UNAVAILABLE" | "WRITE_OUTCOME_UNKNOWN"): TaskStoreError {
  return new TaskStoreError(code, "The process of the driver did not answer.");
}
