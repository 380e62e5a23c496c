import type { Command } from "../../src/commands.ts";
import { createTaskStore } from "../../src/index.ts";
import type { ScopedTaskStore, Task, TaskDriver, TaskRecord, TaskStore } from "../../src/index.ts";
import { ENDINGS } from "./calls.ts";
import type { Authority, Call, Caller, CommandCall, StoreCall, TaskChoice } from "./calls.ts";
import {
  checkCreate,
  checkDelete,
  checkLease,
  checkList,
  checkMaintain,
  checkReading,
  checkRoundTrips,
  checkRows,
  checkTask,
  lackedProof,
} from "./model-checks.ts";
import { scopeOf, SETTINGS } from "./model-state.ts";
import type { Happened, ModelState } from "./model-state.ts";
import { Observer } from "./observed-driver.ts";
import { encoded, fenceOf, TaskModel } from "./task-model.ts";

/** A backend that nobody else uses while a sequence is played. */
export interface ModelSystem {
  /** Ids of earlier sequences whose expired rows may not be purged yet: maintenance may name them. */
  readonly leftovers: Set<string>;
  /** A driver of another process. */
  open(): TaskDriver;
  /** Resolves when the backend's clock has moved by at least this. */
  pass(ms: number): Promise<void>;
}

/** One sequence: two stores, the model, and what was made so far. */
export class ModelPlay implements ModelState {
  readonly model: TaskModel = new TaskModel();
  readonly orphans: string[] = [];
  readonly ids: string[] = [];
  readonly keys: Map<string, string> = new Map();
  readonly leftovers: ReadonlySet<string>;
  readonly #counts: Map<string, number>;
  readonly #system: ModelSystem;
  readonly #driver: TaskDriver;
  readonly #stores: readonly [TaskStore, TaskStore];
  readonly #observer = new Observer();
  readonly #tokens: number[] = [];

  private constructor(system: ModelSystem, counts: Map<string, number>) {
    this.#system = system;
    this.leftovers = new Set(system.leftovers);
    this.#counts = counts;
    this.#driver = system.open();
    const onOrphan = ({ taskId }: Task): void => void this.orphans.push(taskId);
    const open = (): TaskStore =>
      createTaskStore(this.#observer.observe(system.open()), { ...SETTINGS, maintenance: false, onOrphan });
    this.#stores = [open(), open()];
  }

  /**
   * Plays the calls one after the other; throws at the first that the model does not explain.
   * @param counts counts what came of the calls, by name
   */
  static async play(
    system: ModelSystem,
    calls: readonly Call[],
    counts: Map<string, number> = new Map(),
  ): Promise<void> {
    const play = new ModelPlay(system, counts);
    try {
      // So that no call has to ask for the backend's clock first.
      for (const store of play.#stores) await store.getTask("never-was");
      for (const [at, call] of calls.entries()) {
        try {
          await play.#step(call);
        } catch (cause) {
          const reason = cause instanceof Error ? cause.message : String(cause);
          throw new Error(`call ${at + 1}, ${JSON.stringify(call)}: ${reason}`, { cause });
        }
      }
    } finally {
      await play.#cleanUp();
    }
  }

  async #step(call: Call): Promise<void> {
    if (call.type === "time") {
      await this.#system.pass(call.ms);
      return;
    }
    const earlierUs = await this.#clockUs();
    await this.#observer.take();
    const [result] = await Promise.allSettled([this.#call(call)]);
    const observations = await this.#observer.take();
    this.#check(call, { result, observations, earlierUs, laterUs: await this.#clockUs() });
    this.#count(call.type, result);
    const ids = [...new Set([...this.ids, ...this.model.rows.keys()])];
    checkRows(this.model, ids, await this.#driver.read(ids, { request: true, outcome: true }));
  }

  async #call(call: StoreCall): Promise<unknown> {
    const store = this.#stores[call.handle];
    switch (call.type) {
      case "create": {
        const { ttlMs, generation, idempotencyKey, chosenId, caller } = call;
        const params = { ttlMs, generation };
        if (caller === "root")
          return await store.createTask({ ...params, ...(chosenId !== null && { taskId: chosenId }) });
        const keyed = idempotencyKey !== null && caller !== "nobody" ? { idempotencyKey } : {};
        return await this.#view(call.handle, caller).createTask({ ...params, ...keyed });
      }
      case "report":
        return await store.updateTask(this.#id(call.task), call.change, this.#authority(call.task, call.by));
      case "finish": {
        const { statusMessage } = call;
        const options = { ...this.#authority(call.task, call.by), ...(statusMessage !== null && { statusMessage }) };
        return await store.finishTask(this.#id(call.task), endingOf(call.ending), options);
      }
      case "ask":
        return await store.requestInputs(this.#id(call.task), call.inputs, this.#authority(call.task, call.by));
      case "acquire": {
        const maxRun = call.maxRunMs === null ? {} : { maxRunMs: call.maxRunMs };
        return await store.acquireLease(this.#id(call.task), { holder: "w", leaseMs: call.leaseMs, ...maxRun });
      }
      case "renew":
        return await store.renewLease(this.#id(call.task), this.#token(call.task, call.old));
      case "release":
        return await store.releaseLease(this.#id(call.task), this.#token(call.task, call.old));
      case "maintain":
        return await store.maintain();
      case "answer":
        return await this.#view(call.handle, call.caller).answerInputs(this.#id(call.task), call.answers);
      case "cancel": {
        const { statusMessage } = call;
        return await this.#view(call.handle, call.caller).cancelTask(
          this.#id(call.task),
          statusMessage === null ? {} : { statusMessage },
        );
      }
      case "request-cancel":
        return await this.#view(call.handle, call.caller).requestCancellation(this.#id(call.task));
      case "delete":
        return await this.#view(call.handle, call.caller).deleteTask(this.#id(call.task));
      case "get":
        return await this.#view(call.handle, call.caller).getTask(this.#id(call.task));
      case "outcome":
        return await this.#view(call.handle, call.caller).getOutcome(this.#id(call.task));
      case "wait":
        return await this.#view(call.handle, call.caller).waitForUpdate(this.#id(call.task), { since: -1 });
      case "list":
        return await walk(this.#view(call.handle, call.caller), call);
    }
  }

  #check(call: StoreCall, happened: Happened): void {
    switch (call.type) {
      case "create":
        return checkCreate(this, call, happened);
      case "delete":
        return checkDelete(this.model, this.#id(call.task), scopeOf(call.caller), happened);
      case "get":
      case "outcome":
      case "wait":
        return checkReading(this.model, call.type, this.#id(call.task), scopeOf(call.caller), happened);
      case "list":
        return checkList(this.model, call, scopeOf(call.caller), happened);
      case "maintain":
        return checkMaintain(this, happened);
      default:
        return this.#checkCommand(call, happened);
    }
  }

  #checkCommand(call: CommandCall, happened: Happened): void {
    const taskId = this.#id(call.task);
    const command = this.#command(call);
    const reads = happened.observations.flatMap((seen) => (seen.method === "read" ? [seen] : []));
    const sent = happened.observations.flatMap((seen) => (seen.method === "write" ? [seen] : []));
    // Once a process may have to be shown the row first, which another one changed often, or made anew.
    const writes = sent.length === 2 && sent[0] !== undefined && lackedProof(sent[0]) ? sent.slice(1) : sent;
    const informed = command.type === "ask" || command.type === "answer";
    const [write] = writes;
    const writeUs = write === undefined || write.answer.kind === "gone" ? happened.laterUs : write.answer.nowUs;
    const scope = "caller" in call ? scopeOf(call.caller) : undefined;
    const expected = this.model.run(
      taskId,
      scope,
      command,
      write?.write.writeId ?? "none",
      reads[0]?.answer.nowUs ?? writeUs,
      writeUs,
    );
    checkRoundTrips(informed, expected, reads.length, writes.length);
    if (command.type === "acquire" || command.type === "renew") {
      checkLease(expected, command, writeUs, happened.result);
      if (expected.kind === "done" && expected.row.lease !== null) this.#tokens.push(expected.row.lease.token);
    } else {
      checkTask(command, expected, happened.result);
    }
  }

  #command(call: CommandCall): Command {
    const { claimWithinMs, graceMs, leaseMs, maxAttempts } = SETTINGS;
    const texts = (values: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> =>
      new Map(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));
    switch (call.type) {
      case "report": {
        const { metadata, ...change } = call.change;
        const text = metadata === undefined ? {} : { metadata: metadata === null ? null : JSON.stringify(metadata) };
        return { type: "report", fence: this.#fence(call.task, call.by), change: { ...change, ...text } };
      }
      case "finish": {
        const message = call.statusMessage === null ? {} : { statusMessage: call.statusMessage };
        return {
          type: "finish",
          fence: this.#fence(call.task, call.by),
          outcome: encoded(endingOf(call.ending)),
          ...message,
        };
      }
      case "ask":
        return { type: "ask", fence: this.#fence(call.task, call.by), inputs: texts(call.inputs) };
      case "acquire":
        return { type: "acquire", holder: "w", leaseMs: call.leaseMs, graceMs, maxRunMs: call.maxRunMs, maxAttempts };
      case "renew":
        return { type: "renew", token: this.#token(call.task, call.old), leaseMs, graceMs };
      case "release":
        return { type: "release", token: this.#token(call.task, call.old), claimWithinMs };
      case "answer":
        return { type: "answer", answers: texts(call.answers), claimWithinMs };
      case "cancel":
        return { type: "cancel", ...(call.statusMessage !== null && { statusMessage: call.statusMessage }) };
      case "request-cancel":
        return { type: "request-cancel" };
    }
  }

  #id(choice: TaskChoice): string {
    return this.ids[choice % (this.ids.length + 1)] ?? "never-was";
  }

  #row(choice: TaskChoice): TaskRecord | undefined {
    return this.model.rows.get(this.#id(choice));
  }

  #token(choice: TaskChoice, old: boolean): number {
    return (old ? this.#tokens.at(-2) : this.#row(choice)?.lease?.token) ?? 12_345;
  }

  #fence(choice: TaskChoice, by: Authority): ReturnType<typeof fenceOf> {
    return fenceOf(by === "live" || by === "old" ? this.#token(choice, by === "old") : by);
  }

  #authority(choice: TaskChoice, by: Authority): { readonly lease?: number; readonly force?: boolean } {
    if (by === "force") return { force: true };
    return by === "none" ? {} : { lease: this.#token(choice, by === "old") };
  }

  #view(handle: 0 | 1, caller: Caller): Omit<ScopedTaskStore, "principal"> {
    const store = this.#stores[handle];
    const scope = scopeOf(caller);
    return scope === undefined ? store : store.scoped(scope);
  }

  #count(type: string, result: PromiseSettledResult<unknown>): void {
    const end =
      result.status === "rejected" ? Object(result.reason).code : result.value === undefined ? "nothing" : "done";
    this.#counts.set(`${type} ${end}`, (this.#counts.get(`${type} ${end}`) ?? 0) + 1);
  }

  async #clockUs(): Promise<number> {
    return (await this.#driver.read([])).nowUs;
  }

  /** Deletes what lives. What has expired, maintenance purges; it may be held back for a while. */
  async #cleanUp(): Promise<void> {
    for (const store of this.#stores) await store.close();
    for (const taskId of this.model.rows.keys()) {
      await this.#driver.remove({ taskId, notAfterUs: Number.MAX_SAFE_INTEGER });
      this.#system.leftovers.add(taskId);
    }
    await this.#driver.close();
  }
}

function endingOf(index: number): (typeof ENDINGS)[number] {
  const ending = ENDINGS[index];
  if (ending === undefined) throw new RangeError(`no ending ${index}`);
  return ending;
}

async function walk(
  view: Omit<ScopedTaskStore, "principal">,
  { limit, status }: Extract<Call, { type: "list" }>,
): Promise<readonly (readonly Task[])[]> {
  const pages: (readonly Task[])[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await view.listTasks({ limit, ...(status && { status }), ...(cursor !== undefined && { cursor }) });
    pages.push(page.tasks);
    cursor = page.nextCursor;
    if (cursor === undefined) return pages;
  }
}
