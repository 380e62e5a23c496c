/** Histories of stores that are right: a few clients' calls on one task, in an order and with faults that a seed decides. */
import { randomUUID } from "node:crypto";
import { createMemoryBackend, createMemoryDriver } from "@mcp-task-store/memory";
import {
  createTaskStore,
  type TaskDriver,
  type TaskOutcome,
  type TaskStore,
  TaskStoreError,
  type TaskStoreOptions,
} from "@mcp-task-store/core";
import * as fc from "fast-check";
import { type History, HistoryRecording, recordHistory } from "../../src/history.ts";
import { overStore } from "../../src/mutants/over-store.ts";
import { scheduled } from "../../src/scheduler/scheduled-driver.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { VirtualTime } from "../../src/scheduler/virtual-time.ts";
import { SeededRandom } from "../../src/seeded-random.ts";
import type { Target } from "../../src/target.ts";

/** Whose token a call shows: of the client's own last lease, of the last that anybody got. */
type Authority = "none" | "force" | "own" | "last";

/** Whether the caller is told how its call ended, and if not, what becomes of it. */
type Telling = "told" | "applied" | "not-applied" | "late";

export type Command = { readonly telling: Telling } & (
  | { readonly type: "finish" | "report" | "ask"; readonly by: Authority; readonly variant: number }
  | { readonly type: "cancel" | "answer"; readonly variant: number }
  | { readonly type: "renew" | "release"; readonly by: "own" | "last" }
  | { readonly type: "get" | "coop" | "acquire" | "delete" | "outcome" | "wait" | "push" | "recreate" }
);

/** What each client does, one call after the other. */
export type Script = readonly (readonly Command[])[];

const ENDINGS: readonly TaskOutcome[] = [
  { status: "completed", result: { n: 1 } },
  { status: "completed", result: { isError: true } },
  { status: "failed", error: { code: 1, message: "boom", data: [1, { a: null }] } },
  { status: "cancelled" },
];
const QUESTIONS = [
  { k1: { method: "elicitation/create", params: { b: 1, a: [] } } },
  { k1: { method: "elicitation/create", params: { a: [], b: 1 } }, k2: { method: "sampling/createMessage" } },
  { k1: { method: "sampling/createMessage" }, k2: { method: "elicitation/create" } },
];
const ANSWERS = [{ k1: { yes: true } }, { k1: { no: 0 }, k2: { yes: true } }, { k2: { no: 0 }, stranger: {} }];

function commands(tellings: readonly Telling[]): fc.Arbitrary<Command> {
  const telling = fc.constantFrom("told", "told", "told", ...tellings);
  const by = fc.constantFrom<Authority>("none", "none", "force", "own", "last", "last");
  const variant = fc.nat(3);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constantFrom("finish" as const, "report" as const, "report" as const, "ask" as const, "ask" as const),
        telling,
        by,
        variant,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constantFrom("cancel" as const, "answer" as const, "answer" as const, "answer" as const),
        telling,
        variant,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constantFrom("renew" as const, "release" as const),
        telling,
        by: fc.constantFrom("own" as const, "last" as const),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constantFrom(
          ...(["get", "get", "get", "get", "coop", "acquire", "acquire", "outcome", "wait", "push"] as const),
          ...(["delete", "recreate"] as const),
        ),
        telling,
      }),
    },
  );
}

export function scripts(options: {
  readonly clients: number;
  readonly tellings?: readonly Telling[];
  /** What nobody does. @default nothing */
  readonly without?: Command["type"];
}): fc.Arbitrary<Script> {
  const { clients, tellings = [], without } = options;
  const command = commands(tellings).filter(({ type }) => type !== without);
  const script = fc.array(command, { minLength: 1, maxLength: 5, size: "max" });
  return fc.array(script, { minLength: clients, maxLength: clients });
}

export const ALL_TELLINGS: readonly Telling[] = ["applied", "not-applied", "late"];

export interface HistoryOptions {
  readonly script: Script;
  /** Decides the order in which the backend serves what waits. */
  readonly seed: number;
  /** Faults of the connections, and how often a timer fires early. @default 0 */
  readonly maxFaults?: number;
  /** Another store around each client's. */
  readonly around?: (store: TaskStore) => TaskStore;
  /** Another driver between the clients and the backend. */
  readonly driver?: (driver: TaskDriver) => TaskDriver;
}

/** Plays a script on the memory store and gives the history of its task. */
export async function randomHistory(options: HistoryOptions): Promise<History> {
  const { script, seed, maxFaults = 0, around = same, driver = same } = options;
  using time = VirtualTime.install();
  const faults = ["lost", "late", "unavailable", "never"] as const;
  const scheduler = new Scheduler({ time, hints: "pass", faults, maxFaults, maxEarlyTime: maxFaults });
  const backend = createMemoryBackend();
  const random = new SeededRandom(seed);
  const stores = script.map(() => {
    const memory = scheduled(driver(createMemoryDriver({ backend })), scheduler);
    return around(createTaskStore(memory, { ...LASTING, callTimeoutMs: 100 }));
  });
  return await played(stores, script, random, async (actors) => {
    await scheduler.run(actors, (offered) => {
      const faulty = offered.filter((token) => token.includes("!"));
      if (faulty.length > 0 && random.chance(0.2)) return random.pick(faulty);
      if (offered.includes("time") && random.chance(0.05)) return "time";
      const plain = offered.filter((token) => !token.includes("!") && token !== "time");
      return random.pick(plain.length > 0 ? plain : ["time"]);
    });
  });
}

/** What stores have to be opened with: nothing runs out while a script is played. */
export const LASTING: TaskStoreOptions = { maintenance: false, defaultTtlMs: null, leaseMs: 86_400_000 };

/** Plays a script on handles of a target. */
export async function historyOnTarget(target: Target, script: Script, seed: number): Promise<History> {
  const namespace = await target.namespace();
  try {
    const stores: TaskStore[] = [];
    for (const _ of script) stores.push(await namespace.open({ settings: LASTING }));
    return await historyOnStores(stores, script, seed, async (turns) => {
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    });
  } finally {
    await namespace[Symbol.asyncDispose]();
  }
}

/** Plays a script on stores, one for each client, each call after up to twelve of some kind of turns. */
export async function historyOnStores(
  stores: readonly TaskStore[],
  script: Script,
  seed: number,
  pause: (turns: number) => Promise<void>,
): Promise<History> {
  const random = new SeededRandom(seed);
  return played(stores, script, random, async (actors) => {
    await Promise.all(Object.values(actors).map((act) => act(() => pause(random.below(12)))));
  });
}

type Actor = (pause?: () => Promise<void>) => Promise<void>;

async function played(
  stores: readonly TaskStore[],
  script: Script,
  random: SeededRandom,
  run: (actors: Readonly<Record<string, Actor>>) => Promise<void>,
): Promise<History> {
  const recording = new HistoryRecording();
  // So that no call of the script has to ask for the backend's clock first.
  await Promise.all(stores.map((store) => store.getTask("none")));
  const [first] = stores;
  if (first === undefined) throw new RangeError("no clients");
  const reader = recordHistory(first, recording, "A");
  const taskId = randomUUID();
  await reader.createTask({
    taskId,
    principal: "p",
    ...(random.chance(0.5) ? { generation: "2025-11-25" } : { statusMessage: "new" }),
  });
  const tokens: number[] = [];
  const actors = script.map((list, at): [string, Actor] => {
    const name = String.fromCodePoint(65 + at);
    const client = new Client(stores[at] ?? first, recording, name, tokens);
    return [
      name,
      async (pause) => {
        for (const command of list) {
          await pause?.();
          await client.call(taskId, command);
        }
      },
    ];
  });
  await run(Object.fromEntries(actors));
  await Promise.allSettled([reader.getTask(taskId, { outcome: true })]);
  await Promise.allSettled([reader.getOutcome(taskId)]);
  return recording.history(taskId);
}

function same<T>(value: T): T {
  return value;
}

/** A client that is not always told how its calls end. */
class Client {
  readonly #store: TaskStore;
  readonly #tokens: number[];
  readonly #name: string;
  #own = 0;
  #telling: Telling = "told";

  constructor(store: TaskStore, recording: HistoryRecording, name: string, tokens: number[]) {
    this.#store = recordHistory(this.#forgetful(store), recording, name);
    this.#name = name;
    this.#tokens = tokens;
  }

  async call(taskId: string, command: Command): Promise<void> {
    this.#telling = command.telling;
    await Promise.allSettled([this.#carriedOut(taskId, command)]);
  }

  async #carriedOut(taskId: string, command: Command): Promise<unknown> {
    const store = this.#store;
    switch (command.type) {
      case "finish":
        return store.finishTask(taskId, pick(ENDINGS, command.variant), this.#authority(command.by));
      case "report":
        return store.updateTask(
          taskId,
          command.variant === 0 ? { metadata: { by: this.#name } } : { statusMessage: `said ${command.variant}` },
          this.#authority(command.by),
        );
      case "ask":
        return store.requestInputs(taskId, pick(QUESTIONS, command.variant), this.#authority(command.by));
      case "cancel":
        return command.variant === 0
          ? store.cancelTask(taskId)
          : store.scoped("p").cancelTask(taskId, { statusMessage: `cancelled by ${this.#name}` });
      case "answer":
        return store.scoped(command.variant === 3 ? "q" : "p").answerInputs(taskId, pick(ANSWERS, command.variant));
      case "renew":
        return store.renewLease(taskId, this.#token(command.by));
      case "release":
        return store.releaseLease(taskId, this.#token(command.by));
      case "get":
        return store.getTask(taskId, { outcome: true });
      case "coop":
        return store.requestCancellation(taskId);
      case "acquire": {
        const lease = await store.acquireLease(taskId, { holder: this.#name });
        if (lease === undefined) return lease;
        this.#own = lease.token;
        this.#tokens.push(lease.token);
        return lease;
      }
      case "delete":
        return store.deleteTask(taskId);
      case "outcome":
        return store.getOutcome(taskId);
      case "wait":
        return store.waitForUpdate(taskId, { since: -1, timeoutMs: 50 });
      case "push":
        return store.messages.push(
          taskId,
          { type: "notification", message: {}, timestamp: 0 },
          { messageId: this.#name },
        );
      case "recreate":
        return store.createTask({ taskId, principal: "p" });
    }
  }

  #token(by: Authority): number {
    return (by === "own" ? this.#own : this.#tokens.at(-1)) ?? 0;
  }

  #authority(by: Authority): { readonly lease?: number; readonly force?: boolean } {
    if (by === "force") return { force: true };
    return by === "none" ? {} : { lease: this.#token(by) };
  }

  /** The store beneath the recorder: it carries calls out, or not, and says UNKNOWN. */
  #forgetful(store: TaskStore): TaskStore {
    const telling = async <T>(call: () => Promise<T>): Promise<T> => {
      const how = this.#telling;
      if (how === "told") return call();
      if (how !== "not-applied") {
        const ended = Promise.allSettled([call()]);
        if (how === "applied") await ended;
      }
      throw new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "The answer was lost.");
    };
    return overStore(store, {
      methods: (inner) => ({
        cancelTask: (taskId, options) => telling(() => inner.cancelTask(taskId, options)),
        requestCancellation: (taskId, options) => telling(() => inner.requestCancellation(taskId, options)),
        answerInputs: (taskId, answers, options) => telling(() => inner.answerInputs(taskId, answers, options)),
        deleteTask: (taskId, options) => telling(() => inner.deleteTask(taskId, options)),
      }),
      root: (inner) => ({
        createTask: (params, options) => telling(() => inner.createTask(params, options)),
        updateTask: (taskId, change, options) => telling(() => inner.updateTask(taskId, change, options)),
        finishTask: (taskId, outcome, options) => telling(() => inner.finishTask(taskId, outcome, options)),
        requestInputs: (taskId, inputs, options) => telling(() => inner.requestInputs(taskId, inputs, options)),
        acquireLease: (taskId, options) => telling(() => inner.acquireLease(taskId, options)),
        renewLease: (taskId, token, options) => telling(() => inner.renewLease(taskId, token, options)),
        releaseLease: (taskId, token, options) => telling(() => inner.releaseLease(taskId, token, options)),
      }),
    });
  }
}

function pick<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}
