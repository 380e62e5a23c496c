/** Two stores on one backend, which is what two processes on one database are. */
import { createTaskStore, isTerminal, type Task, type TaskStore, type TaskStoreOptions } from "@mcp-task-store/core";
import { createMemoryBackend, createMemoryDriver, createMemoryTaskStore } from "@mcp-task-store/memory";
import { createPostgresTaskStore } from "@mcp-task-store/postgres";
import { freshTestDatabase, postgresIsLeftOut } from "@mcp-task-store/services";

export interface TwoStores extends AsyncDisposable {
  /** The worker's, or the first server's. */
  readonly a: TaskStore;
  /** Everybody else's. */
  readonly b: TaskStore;
  /** Lets the backend's clock run ahead, where it is ours. */
  readonly advance: (ms: number) => void;
}

export interface Backend {
  readonly name: string;
  readonly isLeftOut: boolean;
  readonly open: (options?: TaskStoreOptions) => Promise<TwoStores>;
}

const memory: Backend = {
  name: "memory",
  isLeftOut: false,
  open: async (options) => twoStores(options),
};

const postgres: Backend = {
  name: "Postgres",
  isLeftOut: postgresIsLeftOut(),
  open: async (options) => {
    const database = await freshTestDatabase();
    const open = (): TaskStore =>
      createPostgresTaskStore({ maintenance: false, ...options, connectionString: database.url });
    const [a, b] = [open(), open()];
    await a.setup();
    const close = async (): Promise<void> => {
      await Promise.all([a.close(), b.close()]);
      await database.drop();
    };
    const advance = (): never => {
      throw new Error("Nobody advances a server's clock.");
    };
    return { a, b, advance, [Symbol.asyncDispose]: close };
  },
};

/** For `describe.skipIf`: each test file says what it does on which. */
export const BACKENDS: readonly Backend[] = [memory, postgres];

/** Two stores in memory, which maintain nothing by themselves. */
export function twoStores(options: TaskStoreOptions = {}): TwoStores {
  const backend = createMemoryBackend();
  const open = (): TaskStore => createMemoryTaskStore({ maintenance: false, ...options, backend });
  const [a, b] = [open(), open()];
  return {
    a,
    b,
    advance: (ms) => backend.advance(ms),
    [Symbol.asyncDispose]: async () => void (await Promise.all([a.close(), b.close()])),
  };
}

/** A store whose driver keeps no messages. */
export function storeWithoutMessages(): TaskStore {
  const { messages: _, capabilities, ...driver } = createMemoryDriver();
  return createTaskStore({ ...driver, capabilities: { ...capabilities, messages: false } }, { maintenance: false });
}

/** The same store with some methods replaced: faults come from outside. */
export function withFaults(store: TaskStore, faults: Partial<TaskStore>): TaskStore {
  return { ...store, ...faults };
}

/** @throws Error if the task is gone */
export async function read(store: TaskStore, taskId: string): Promise<Task> {
  const task = await store.getTask(taskId, { outcome: true, request: true });
  if (task === undefined) throw new Error("The task is gone.");
  return task;
}

/** The first copy that fits, read again at each change. @throws Error if the task ends otherwise */
export async function until(store: TaskStore, taskId: string, fits: (task: Task) => boolean): Promise<Task> {
  let task = await read(store, taskId);
  while (!fits(task)) {
    if (isTerminal(task.status)) throw new Error(`Task ${taskId} is ${task.status}, and not what was waited for.`);
    await store.waitForUpdate(taskId, { since: task.revision });
    task = await read(store, taskId);
  }
  return task;
}

/** The task once the client is asked. */
export async function asked(store: TaskStore, taskId: string): Promise<Task> {
  return await until(store, taskId, ({ status }) => status === "input_required");
}

/** The task once it is over. */
export async function ended(store: TaskStore, taskId: string): Promise<Task> {
  return await until(store, taskId, ({ status }) => isTerminal(status));
}
