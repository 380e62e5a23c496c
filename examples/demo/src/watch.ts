/** What alice hears of her tasks on one stream, shown as bars. */
import { type ClientTask, isOver } from "@mcp-task-store/example-servers/task-client";
import { progressIn } from "./digest-files.ts";
import type { Printer } from "./printer.ts";
import type { Stage } from "./stage.ts";
import { within } from "./within.ts";

interface Waiting {
  readonly taskId: string;
  readonly isEnough: (task: ClientTask) => boolean;
  readonly take: (task: ClientTask) => void;
  readonly fail: (error: Error) => void;
}

export class Watch implements AsyncDisposable {
  readonly #stage: Stage;
  /** Of each task, by its id. */
  readonly #labels: ReadonlyMap<string, string>;
  readonly #latest = new Map<string, ClientTask>();
  readonly #waiting = new Set<Waiting>();
  #heard = 0;
  #unsubscribe: () => Promise<void> = () => Promise.resolve();

  private constructor(stage: Stage, labels: ReadonlyMap<string, string>) {
    this.#stage = stage;
    this.#labels = labels;
  }

  static async open(stage: Stage, labels: ReadonlyMap<string, string>): Promise<Watch> {
    const watch = new Watch(stage, labels);
    watch.#unsubscribe = await stage.alice.subscribe([...labels.keys()], (task) => watch.#hear(task));
    return watch;
  }

  /** How many notifications came. */
  get heard(): number {
    return this.#heard;
  }

  /** The task as soon as it is enough. @throws Error if it is over before that, or too late */
  async until(
    taskId: string,
    deadlineMs: number,
    isEnough: (task: ClientTask) => boolean = isOver,
  ): Promise<ClientTask> {
    let waiting: Waiting | undefined;
    const coming = new Promise<ClientTask>((take, fail) => {
      waiting = { taskId, isEnough, take, fail };
      this.#waiting.add(waiting);
      const latest = this.#latest.get(taskId);
      if (latest !== undefined) settle(waiting, latest);
    });
    try {
      return await within(deadlineMs, this.#labels.get(taskId) ?? taskId, this.#stage.signal, coming);
    } finally {
      if (waiting !== undefined) this.#waiting.delete(waiting);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stage.printer.endProgress(...this.#labels.keys());
    await this.#unsubscribe();
  }

  #hear(task: ClientTask): void {
    const label = this.#labels.get(task.taskId);
    // Another watch's.
    if (label === undefined) return;
    this.#heard += 1;
    this.#latest.set(task.taskId, task);
    showProgress(this.#stage.printer, label, task);
    for (const waiting of this.#waiting) if (waiting.taskId === task.taskId) settle(waiting, task);
  }
}

export function showProgress(printer: Printer, label: string, task: ClientTask): void {
  const { taskId, status, statusMessage = "" } = task;
  const fraction = progressIn(statusMessage);
  printer.progress(taskId, { label: `${label} ${status.padEnd(9)}`, fraction, text: statusMessage });
}

function settle({ isEnough, take, fail }: Waiting, task: ClientTask): void {
  if (isEnough(task)) take(task);
  else if (isOver(task)) fail(new Error(`the task was over too soon: ${task.status}`));
}
