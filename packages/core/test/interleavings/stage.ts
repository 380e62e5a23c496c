/** Two or three stores on one memory backend whose every driver call a scheduler releases, in virtual time. */
import { delegate } from "../../../../conformance/src/driver-model/delegate.ts";
import { scheduled } from "../../../../conformance/src/scheduler/scheduled-driver.ts";
import { Scheduler } from "../../../../conformance/src/scheduler/scheduler.ts";
import type { SchedulerOptions } from "../../../../conformance/src/scheduler/scheduler.ts";
import { VirtualTime } from "../../../../conformance/src/scheduler/virtual-time.ts";
import { createMemoryBackend, createMemoryDriver } from "../../../memory/src/index.ts";
import type { MemoryBackend } from "../../../memory/src/index.ts";
import { createTaskStore } from "../../src/index.ts";
import type { Task, TaskDriver, TaskRecord, TaskStore, TaskStoreOptions, Write } from "../../src/index.ts";

/** Replays one schedule: `SCHEDULE="A.go B.go …" vitest run <file> -t <test>`. */
export const ONLY: string | undefined = process.env.SCHEDULE;

/** A write that changed the row, in commit order. */
export interface Commit {
  readonly write: Write;
  readonly before: TaskRecord;
  readonly after: TaskRecord;
}

export interface Stage {
  readonly time: VirtualTime;
  readonly scheduler: Scheduler;
  readonly backend: MemoryBackend;
  /** Scheduled as A, B and C. */
  readonly a: TaskStore;
  readonly b: TaskStore;
  readonly c: TaskStore;
  /** Not scheduled: sets up and judges. */
  readonly judge: TaskStore;
  /** What the backend did since the start. */
  readonly commits: readonly Commit[];
  /** The row as stored. */
  row(taskId: string): Promise<TaskRecord>;
}

export interface StageOptions {
  readonly scheduler?: Omit<SchedulerOptions, "time"> | undefined;
  readonly store?: TaskStoreOptions | undefined;
  /** Makes the backend faulty, beneath the scheduler: a mutant that a test must catch. */
  readonly backendFault?: ((driver: TaskDriver) => TaskDriver) | undefined;
  /** Makes a handle faulty, above the scheduler: what it does besides is scheduled too. */
  readonly handleFault?: ((driver: TaskDriver) => TaskDriver) | undefined;
}

/** Sets the stage, plays, and gives the process its time back. Timers of this stage never fire afterwards. */
export async function onStage(options: StageOptions, play: (stage: Stage) => Promise<void>): Promise<void> {
  const time = VirtualTime.install();
  try {
    const scheduler = new Scheduler({ ...options.scheduler, time });
    const backend = createMemoryBackend();
    const commits: Commit[] = [];
    const memory = (): TaskDriver => recording(createMemoryDriver({ backend }), commits);
    const { backendFault = same, handleFault = same } = options;
    const settings: TaskStoreOptions = { maintenance: false, safetyPollMs: 60_000, ...options.store };
    const open = (): TaskStore => createTaskStore(handleFault(scheduled(backendFault(memory()), scheduler)), settings);
    const [a, b, c] = [open(), open(), open()];
    const driver = createMemoryDriver({ backend });
    const judge = createTaskStore(driver, settings);
    // So that no call of a play has to ask for the backend's clock first.
    await Promise.all([a, b, c, judge].map((store) => store.getTask("none")));
    const row = async (taskId: string): Promise<TaskRecord> => {
      const [found] = (await driver.read([taskId], { request: true, outcome: true })).rows;
      if (found === undefined) throw new Error(`no task ${taskId}`);
      return found;
    };
    await play({ time, scheduler, backend, a, b, c, judge, commits, row });
  } finally {
    time[Symbol.dispose]();
  }
}

function same(driver: TaskDriver): TaskDriver {
  return driver;
}

/** The backend's clock, as it was an hour ahead until it was set back: what a read tells that finds no task. */
export function clockSetBack(driver: TaskDriver): TaskDriver {
  return {
    ...delegate(driver),
    async read(taskIds, options) {
      const answer = await driver.read(taskIds, options);
      return answer.rows.length > 0 ? answer : { ...answer, nowUs: answer.nowUs + 3_600_000_000 };
    },
  };
}

/** Notes every write that changed a row. Memory answers in the call, so nothing comes between the reads and the write. */
function recording(driver: TaskDriver, commits: Commit[]): TaskDriver {
  return {
    ...delegate(driver),
    async write(write, options) {
      const reading = driver.read([write.taskId]);
      const writing = driver.write(write, options);
      const [before] = (await reading).rows;
      const answer = await writing;
      if (answer.kind !== "written" || before === undefined) return answer;
      const repeated = before.ring.some(({ writeId }) => writeId === write.writeId);
      if (!repeated) commits.push({ write, before, after: answer.row });
      return answer;
    },
  };
}

/** The task as everybody sees it, with its outcome. */
export async function seen(store: TaskStore, taskId: string): Promise<Task> {
  const task = await store.getTask(taskId, { outcome: true });
  if (task === undefined) throw new Error(`no task ${taskId}`);
  return task;
}

/** The same without the outcome, as calls return it. */
export function withoutOutcome(task: Task): Task {
  const { outcome: _outcome, ...rest } = task;
  return rest;
}

/** Always lets the first actor of this order go on that can. */
export function inTurn(...handles: readonly string[]): (tokens: readonly string[]) => string {
  return (tokens) => {
    for (const handle of handles) {
      const token = tokens.find((candidate) => candidate.startsWith(`${handle}.`) && !candidate.includes("!"));
      if (token !== undefined) return token;
    }
    return tokens[0] ?? "";
  };
}
