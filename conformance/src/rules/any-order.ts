import type { JsonObject, TaskOutcome, TaskStore } from "@mcp-task-store/core";
import { isTerminal } from "@mcp-task-store/core";
import { type Attempt, attempt } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { questionFor } from "../question.ts";
import { defineRule, type Rule } from "../rule.ts";
import { SeededRandom } from "../seeded-random.ts";
import { COMPLETED, FAILED } from "./endings.ts";
import { note } from "./message-operations.ts";

const HOUR_MS = 3_600_000;
const LIVES = 32;
const STEPS = 30;
/** Calls after a task's end, none of which may change it. */
const LATE_STEPS = 4;

const TEXTS = ["half", "almost", null] as const;
const METADATA = [{ step: 1 }, { deep: { list: [1, 2] } }, null] as const;
const KEYS = ["k1", "k2", "k3"] as const;
const ANSWERS = [{ action: "accept" }, { action: "decline" }] as const;
const GENERATIONS = ["2025-11-25", "2026-07-28", null] as const;
const OUTCOMES: readonly TaskOutcome[] = [COMPLETED, FAILED, { status: "completed", result: { isError: true } }];

/** A task in the hands of callers who do whatever comes to their mind. */
class Life {
  readonly #kit: Kit;
  readonly #random: SeededRandom;
  readonly #principal: string;
  readonly #taskId: string;
  /** Of all leases that it had, the latest last. */
  readonly #tokens: number[] = [];
  #messages = 0;

  constructor(kit: Kit, random: SeededRandom, principal: string, taskId: string) {
    this.#kit = kit;
    this.#random = random;
    this.#principal = principal;
    this.#taskId = taskId;
  }

  async run(): Promise<void> {
    const { handle } = this;
    const [metadata, statusMessage] = [this.#random.pick(METADATA), this.#random.pick(TEXTS)];
    await handle.createTask({
      taskId: this.#taskId,
      principal: this.#principal,
      generation: this.#random.pick(GENERATIONS),
      ...(metadata === null ? {} : { metadata }),
      ...(statusMessage === null ? {} : { statusMessage }),
    });
    for (let step = 0, late = 0; step < STEPS && late < LATE_STEPS; step += 1) {
      await attempt(this.#random.chance(0.3) ? this.#look() : this.#write());
      const task = await this.handle.getTask(this.#taskId, { outcome: true });
      if (task === undefined) return;
      if (isTerminal(task.status)) late += 1;
    }
    await attempt(this.handle.deleteTask(this.#taskId));
    await attempt(this.handle.getTask(this.#taskId));
  }

  private get handle(): TaskStore {
    return this.#random.chance(0.5) ? this.#kit.A : this.#kit.B;
  }

  /** What a call that may need a token is given: none, the latest, an old one, or force. */
  #authority(): { readonly lease?: number; readonly force?: true } {
    const latest = this.#tokens.at(-1);
    if (this.#random.chance(0.1)) return { force: true };
    if (latest === undefined || this.#random.chance(0.2)) return {};
    return { lease: this.#random.chance(0.8) ? latest : this.#random.pick(this.#tokens) };
  }

  #look(): Promise<unknown> {
    const view = this.#random.chance(0.5) ? this.handle : this.handle.scoped(this.#principal);
    return this.#random.pick([
      () => view.getOutcome(this.#taskId),
      () => view.requestCancellation(this.#taskId),
      () => view.answerInputs(this.#taskId, this.#answers()),
      () => this.#asStranger(),
    ])();
  }

  #asStranger(): Promise<unknown> {
    const id = this.#taskId;
    const view = this.handle.scoped(this.#random.chance(0.3) ? null : `${this.#principal} stranger`);
    return this.#random.pick([
      () => view.getTask(id, { outcome: true }),
      () => view.getOutcome(id),
      () => view.cancelTask(id),
      () => view.requestCancellation(id),
      () => view.answerInputs(id, this.#answers()),
      () => view.deleteTask(id),
    ])();
  }

  #write(): Promise<unknown> {
    const id = this.#taskId;
    const { handle } = this;
    if (this.#random.chance(0.06)) return this.#end(handle);
    return this.#random.pick([
      () => handle.updateTask(id, this.#report(), this.#authority()),
      () => handle.requestInputs(id, this.#questions(), this.#authority()),
      () => handle.answerInputs(id, this.#answers()),
      () => this.#take(handle),
      () => handle.renewLease(id, this.#token(), { leaseMs: HOUR_MS }),
      () => handle.releaseLease(id, this.#token()),
      () => this.#push(handle),
    ])();
  }

  #end(handle: TaskStore): Promise<unknown> {
    const statusMessage = this.#random.pick(TEXTS);
    const options = statusMessage === null ? {} : { statusMessage };
    if (this.#random.chance(0.3)) return handle.cancelTask(this.#taskId, options);
    const outcome = this.#random.pick(OUTCOMES);
    return handle.finishTask(this.#taskId, outcome, { ...options, ...this.#authority() });
  }

  async #take(handle: TaskStore): Promise<void> {
    const lease = await handle.acquireLease(this.#taskId, {
      holder: this.#random.pick(["one", "two"]),
      leaseMs: HOUR_MS,
    });
    if (lease !== undefined) this.#tokens.push(lease.token);
  }

  async #push(handle: TaskStore): Promise<void> {
    if (!handle.capabilities.messages) return;
    if (this.#random.chance(0.7)) this.#messages += 1;
    await handle.messages.push(this.#taskId, note("news"), { messageId: `m${this.#messages}` });
  }

  #token(): number {
    return this.#random.chance(0.8) ? (this.#tokens.at(-1) ?? 1) : this.#random.pick([1, ...this.#tokens]);
  }

  #report(): {
    readonly statusMessage?: string | null;
    readonly metadata?: JsonObject | null;
    readonly pollIntervalMs?: number;
  } {
    return {
      ...(this.#random.chance(0.5) ? { statusMessage: this.#random.pick(TEXTS) } : {}),
      ...(this.#random.chance(0.5) ? { metadata: this.#random.pick(METADATA) } : {}),
      ...(this.#random.chance(0.3) ? { pollIntervalMs: 100 * (1 + this.#random.below(9)) } : {}),
    };
  }

  #questions(): Readonly<Record<string, ReturnType<typeof questionFor>>> {
    return Object.fromEntries(
      this.#someKeys().map((key) => [key, questionFor(this.#random.chance(0.9) ? key : `other ${key}`)]),
    );
  }

  #answers(): Readonly<Record<string, JsonObject>> {
    return Object.fromEntries(this.#someKeys().map((key) => [key, this.#random.pick(ANSWERS)]));
  }

  #someKeys(): readonly string[] {
    return this.#random.shuffled(KEYS).slice(0, 1 + this.#random.below(2));
  }
}

export const anyOrder: Rule = defineRule({
  id: "lifecycle/any-order",
  title: "Whatever is called in whatever order, every answer is one that the calls before it explain",
  level: "promise",
  source: ["P1", "P2", "P4", "P8", "P9"],
  mutants: ["ask-drops-message", "end-drops-metadata", "null-keeps"],
  histories: {},
  judgesEveryHistory: true,
  async act(kit) {
    const lives = Array.from({ length: LIVES }, (_, index) => {
      const random = new SeededRandom(kit.random.integer(2 ** 32));
      return new Life(kit, random, kit.principal(`p${index}`), kit.taskId(`life ${index}`)).run();
    });
    return (await Promise.all(lives.map((life) => attempt(life)))).filter(isRejected);
  },
  judge(expect, failed) {
    expect("create tasks and read them between other calls", failed, {
      text: "no error",
      holds: (seen) => seen.length === 0,
    });
  },
});

function isRejected(end: Attempt<void>): boolean {
  return end.kind === "rejected";
}
