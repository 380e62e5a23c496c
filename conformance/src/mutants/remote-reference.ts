/** The reference behind a socket, so that faults of the connection are real: JSON, a line for each call and answer. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type {
  DriverCallOptions,
  DueAnswer,
  HintListener,
  InsertAnswer,
  PushAnswer,
  ReadAnswer,
  TakeAnswer,
  TaskDriver,
  TaskStoreErrorCode,
  WriteAnswer,
} from "@mcp-task-store/core";
import { isTaskStoreError, TaskStoreError } from "@mcp-task-store/core";
import type { Address } from "../target.ts";
import { CAPABILITIES, type ReferenceBackend } from "./reference-backend.ts";

/** Pause before a lost connection is tried again, for those who listen on it, ms. */
const RECONNECT_MS = 25;

type Method = "insert" | "read" | "write" | "remove" | "page" | "due" | "push" | "take" | "publish";

/** Whose lost answer leaves open what became of them. */
const WRITES: ReadonlySet<string> = new Set<Method>(["insert", "write", "remove", "push", "take"]);

interface Question {
  readonly id: number;
  readonly method: Method | "subscribe";
  readonly args: readonly unknown[];
}

/** A process of its own, as far as a client can tell. */
export class ReferenceServer {
  readonly #backend: ReferenceBackend;
  readonly #sockets = new Set<Socket>();
  #server: Promise<Server> | undefined;

  constructor(backend: ReferenceBackend) {
    this.#backend = backend;
  }

  async #listen(): Promise<Server> {
    const server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
    server.unref();
    server.listen({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    return server;
  }

  /** Where it listens, from the first call on. */
  async address(): Promise<Address> {
    this.#server ??= this.#listen();
    const { port } = (await this.#server).address() as AddressInfo;
    return { host: "127.0.0.1", port };
  }

  /** Ends every connection, as a process does that is stopped; it listens on. */
  restart(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    (await this.#server)?.close();
  }

  #serve(socket: Socket): void {
    const driver = this.#backend.driver();
    const tell = (message: object): void => void (socket.writable && socket.write(`${JSON.stringify(message)}\n`));
    this.#sockets.add(socket);
    socket.unref();
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      void driver.close();
    });
    lines(socket, (line) => {
      const { id, method, args }: Question = JSON.parse(line);
      const listener: HintListener = { onHint: (hint) => tell({ hint }), onGap: () => undefined };
      const answering = method === "subscribe" ? driver.hints?.subscribe(listener) : answerOf(driver, method, args);
      Promise.resolve(answering).then(
        (answer) => tell({ id, answer: JSON.stringify(method === "subscribe" ? null : (answer ?? null)) }),
        (error: unknown) => tell({ id, error: isTaskStoreError(error) ? error.code : "STORE_UNAVAILABLE" }),
      );
    });
  }
}

function lines(socket: Socket, take: (line: string) => void): void {
  const reader = createInterface({ input: socket });
  reader.on("line", take);
  reader.on("error", () => undefined);
}

function answerOf(driver: TaskDriver, method: Method, args: readonly unknown[]): unknown {
  const { messages, hints } = driver;
  const owner: object =
    method === "push" || method === "take" ? (messages ?? {}) : method === "publish" ? (hints ?? {}) : driver;
  const call: unknown = Reflect.get(owner, method);
  if (typeof call !== "function") throw new TypeError(`the reference has no ${method}`);
  return Reflect.apply(call, owner, args);
}

interface Pending {
  readonly writes: boolean;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: TaskStoreError) => void;
}

/** One process's end of the connection. */
class Client {
  readonly #address: () => Promise<Address>;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<HintListener>();
  #socket: Promise<Socket> | undefined;
  #ids = 0;
  #closed = false;

  constructor(address: () => Promise<Address>) {
    this.#address = address;
  }

  async call(
    method: Question["method"],
    args: readonly unknown[],
    writes: boolean,
    signal?: AbortSignal,
  ): Promise<string> {
    if (this.#closed) throw new TaskStoreError("CLOSED", "The driver is closed.");
    const socket = await unlessAborted(this.#connected(), signal);
    this.#ids += 1;
    const id = this.#ids;
    return await new Promise<string>((resolve, reject) => {
      this.#pending.set(id, { writes, resolve, reject });
      signal?.addEventListener("abort", () => {
        this.#pending.delete(id);
        reject(lost(writes));
      });
      socket.write(`${JSON.stringify({ id, method, args })}\n`);
    });
  }

  async listen(listener: HintListener): Promise<() => Promise<void>> {
    await this.call("subscribe", [], false);
    this.#listeners.add(listener);
    return async () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const socket = await this.#socket?.catch(() => undefined);
    socket?.destroy();
  }

  #connected(): Promise<Socket> {
    this.#socket ??= this.#connect();
    return this.#socket;
  }

  async #connect(): Promise<Socket> {
    try {
      const { host, port } = await this.#address();
      const socket = connect({ host, port, noDelay: true });
      socket.unref();
      await once(socket, "connect");
      socket.on("error", () => undefined);
      socket.on("close", () => this.#lose());
      lines(socket, (line) => this.#take(line));
      return socket;
    } catch (cause) {
      this.#socket = undefined;
      throw new TaskStoreError("STORE_UNAVAILABLE", "The reference cannot be reached.", { cause });
    }
  }

  #take(line: string): void {
    const said: { id?: number; answer?: string; error?: TaskStoreErrorCode; hint?: readonly string[] } =
      JSON.parse(line);
    if (said.hint !== undefined) for (const listener of this.#listeners) listener.onHint(said.hint);
    const pending = said.id === undefined ? undefined : this.#pending.get(said.id);
    if (pending === undefined || said.id === undefined) return;
    this.#pending.delete(said.id);
    if (said.answer !== undefined) pending.resolve(said.answer);
    else pending.reject(new TaskStoreError(said.error ?? "STORE_UNAVAILABLE", "The reference refused."));
  }

  #lose(): void {
    this.#socket = undefined;
    for (const { writes, reject } of this.#pending.values()) reject(lost(writes));
    this.#pending.clear();
    if (this.#listeners.size > 0) this.#comeBack();
  }

  /** Listens again, as soon as that is possible, and says that something may have been missed. */
  #comeBack(): void {
    if (this.#closed) return;
    this.call("subscribe", [], false).then(
      () => {
        for (const listener of this.#listeners) listener.onGap();
      },
      () => void setTimeout(() => this.#comeBack(), RECONNECT_MS).unref(),
    );
  }
}

function lost(writes: boolean): TaskStoreError {
  return writes
    ? new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "The connection was lost.")
    : new TaskStoreError("STORE_UNAVAILABLE", "The connection was lost.");
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  return await new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(new TaskStoreError("STORE_UNAVAILABLE", "Given up before it was sent."));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject);
  });
}

/** The reference's driver at the other end of a connection. @param address where the server is, for each new connection */
export function remoteDriver(address: () => Promise<Address>): TaskDriver {
  const client = new Client(address);
  const call = async (
    method: Method,
    options: DriverCallOptions | undefined,
    ...args: readonly unknown[]
  ): Promise<string> => client.call(method, args, WRITES.has(method), options?.signal);
  return {
    name: "reference",
    capabilities: CAPABILITIES,
    setup: async () => undefined,
    async insert(insert, options) {
      const answer: InsertAnswer = JSON.parse(await call("insert", options, insert));
      return answer;
    },
    async read(taskIds, { request = false, outcome = false, ...options } = {}) {
      const answer: ReadAnswer = JSON.parse(await call("read", options, taskIds, { request, outcome }));
      return answer;
    },
    async write(write, options) {
      const answer: WriteAnswer = JSON.parse(await call("write", options, write));
      return answer;
    },
    async remove(remove, options) {
      const answer: "removed" | "gone" | "late" = JSON.parse(await call("remove", options, remove));
      return answer;
    },
    async page(query, options) {
      const answer: ReadAnswer = JSON.parse(await call("page", options, query));
      return answer;
    },
    async due(limit, holdMs, options) {
      const answer: DueAnswer = JSON.parse(await call("due", options, limit, holdMs));
      return answer;
    },
    close: () => client.close(),
    messages: {
      async push(push, options) {
        const answer: PushAnswer = JSON.parse(await call("push", options, push));
        return answer;
      },
      async take(take, options) {
        const answer: TakeAnswer = JSON.parse(await call("take", options, take));
        return answer;
      },
    },
    hints: {
      publish: async (taskIds) => void (await call("publish", undefined, taskIds)),
      subscribe: (listener) => client.listen(listener),
    },
  };
}
