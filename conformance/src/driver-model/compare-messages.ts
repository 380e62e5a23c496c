import { isDeepStrictEqual } from "node:util";
import type {
  DriverMessages,
  MessagePush,
  MessageTake,
  PushAnswer,
  TakeAnswer,
  TaskDriver,
  TaskRecord,
} from "@mcp-task-store/core";
import { MessageQueue, pushMessage, takeMessages } from "@mcp-task-store/core/message-queue";
import { isVisible } from "@mcp-task-store/core/transitions";
import { SeededRandom } from "../seeded-random.ts";
import type { DriverComparison, DriverComparisonOptions } from "./compare-with-apply.ts";
import { pass } from "./driver-calls.ts";
import { PAYLOADS } from "./values.ts";

const TASK_IDS = ["t", "t:u", "t*", "T"] as const;
const MESSAGE_IDS = Array.from({ length: 12 }, (_, index) => `message ${index}`);
const RECEIPTS = Array.from({ length: 8 }, (_, index) => `receipt ${index}`);
/** Short enough for receipts to be spent during the comparison. */
const KEEP_MS = 20;

/** A task as the reference has it. */
interface ModelTask {
  row: TaskRecord;
  readonly queue: MessageQueue;
}

/**
 * Compares the messages of a driver with the reference in message-queue.ts: random pushes, shifts and drains over a
 * handful of tasks that end, expire, are deleted and come again. Each answer must be what the reference says at the
 * clock reading that came with it, and the row must be read again as it says. Nobody else may use the driver's namespace
 * meanwhile. `writes` counts pushes and takes.
 */
export async function compareMessages(driver: TaskDriver, options: DriverComparisonOptions): Promise<DriverComparison> {
  const { messages } = driver;
  if (messages === undefined) throw new TypeError(`${driver.name} keeps no messages`);
  const comparer = new MessageComparer(driver, messages, options);
  const complaint = await comparer.run(options.writes);
  const difference =
    complaint && `${driver.name} differs from the reference (seed ${options.seed}, ${complaint.join("\n- ")}`;
  return { seed: options.seed, counts: comparer.counts, difference };
}

class MessageComparer {
  readonly #driver: TaskDriver;
  readonly #messages: DriverMessages;
  readonly #random: SeededRandom;
  readonly #advance: DriverComparisonOptions["advance"];
  readonly #tasks = new Map<string, ModelTask>();
  readonly #counts = new Map<string, number>();
  #nowUs = 0;
  #callsLeft = 0;

  constructor(driver: TaskDriver, messages: DriverMessages, { seed, advance }: DriverComparisonOptions) {
    this.#driver = driver;
    this.#messages = messages;
    this.#random = new SeededRandom(seed);
    this.#advance = advance;
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Makes calls until they are used up. @returns the first difference, line by line */
  async run(calls: number): Promise<readonly string[] | undefined> {
    this.#callsLeft = calls;
    await this.#readClock();
    for (let step = 1; this.#callsLeft > 0; step += 1) {
      const complaints = [...(await this.#step()), ...(await this.#compareRows())];
      if (complaints.length > 0) return [`step ${step}):`, ...complaints];
    }
    return undefined;
  }

  async #step(): Promise<readonly string[]> {
    const choice = this.#random.next();
    if (choice < 0.45) return await this.#push();
    if (choice < 0.8) return await this.#take();
    if (choice < 0.88) await this.#insert();
    else if (choice < 0.92) await this.#end();
    else if (choice < 0.95) await this.#remove();
    else if (choice < 0.97) await this.#look();
    else await this.#passTime();
    return [];
  }

  async #push(): Promise<readonly string[]> {
    const random = this.#random;
    const push: MessagePush = {
      ...this.#aim(),
      message: { messageId: random.pick(MESSAGE_IDS), text: random.pick(PAYLOADS) },
      maxSize: 1 + random.below(4),
      ...(random.chance(0.7) ? { open: true } : {}),
    };
    const beforeUs = await this.#readClock();
    const answer = await this.#messages.push(push);
    const task = this.#tasks.get(push.taskId);
    const known = task?.queue.has(push.message.messageId) === true && answer.kind === "pushed";
    this.#count(known ? "push repeated" : `push ${answer.kind}`);
    if (answer.kind === "gone") return await this.#checkGone(push, beforeUs);
    const expected = pushMessage(task?.row, task?.queue ?? new MessageQueue(), push, answer.nowUs);
    if (task !== undefined && expected.row !== undefined) task.row = expected.row;
    return difference(push, expected.answer, answer);
  }

  async #take(): Promise<readonly string[]> {
    const random = this.#random;
    const take: MessageTake = {
      ...this.#aim(),
      receipt: random.pick(RECEIPTS),
      limit: random.pick([1, 1, 1, 2, null]),
      keepMs: KEEP_MS,
    };
    const beforeUs = await this.#readClock();
    const answer = await this.#messages.take(take);
    const task = this.#tasks.get(take.taskId);
    if (answer.kind !== "taken") this.#count(`take ${answer.kind}`);
    else if (task?.queue.handedTo(take.receipt) !== undefined) this.#count("take repeated");
    else this.#count(answer.messages.length === 0 ? "take nothing" : "take something");
    if (answer.kind === "gone") return await this.#checkGone(take, beforeUs);
    return difference(take, takeMessages(task?.row, task?.queue ?? new MessageQueue(), take, answer.nowUs), answer);
  }

  /** A task, and times that are mostly no limit. */
  #aim(): Pick<MessagePush, "taskId" | "notAfterUs" | "bornByUs"> {
    const random = this.#random;
    const taskId = random.pick(TASK_IDS);
    const bornUs = (this.#tasks.get(taskId)?.row.createdAt ?? 0) * 1000;
    this.#callsLeft -= 1;
    return {
      taskId,
      notAfterUs: this.#nowUs + (random.chance(0.08) ? random.below(4000) - 2000 : 60_000_000),
      ...(random.chance(0.15) ? { bornByUs: bornUs + random.pick([-1000, -1, 0, 999, 1000]) } : {}),
    };
  }

  /** "gone" comes without a clock reading: it must be so at the one before the call or at the one after it. */
  async #checkGone(call: MessagePush | MessageTake, beforeUs: number): Promise<readonly string[]> {
    const row = this.#tasks.get(call.taskId)?.row;
    const readings = [beforeUs, await this.#readClock()];
    const kinds = readings.map((nowUs) =>
      "receipt" in call
        ? takeMessages(row, new MessageQueue(), call, nowUs).kind
        : pushMessage(row, new MessageQueue(), call, nowUs).answer.kind,
    );
    return kinds.includes("gone") ? [] : [`${JSON.stringify(call)}: expected ${kinds.join(" or ")}, got gone`];
  }

  async #insert(): Promise<void> {
    const random = this.#random;
    const taskId = random.pick(TASK_IDS);
    const answer = await this.#driver.insert({
      taskId,
      createId: random.id(),
      scope: null,
      generation: null,
      statusMessage: null,
      ttlMs: random.pick([5, 40, 1_000_000, null]),
      pollIntervalMs: 500,
      claimInMs: 1_000_000,
      metadata: null,
      request: null,
      notAfterUs: this.#nowUs + 60_000_000,
    });
    if (answer.kind !== "inserted") return;
    this.#count("insert");
    this.#tasks.set(taskId, { row: answer.row, queue: new MessageQueue() });
  }

  async #end(): Promise<void> {
    const taskId = this.#random.pick(TASK_IDS);
    const task = this.#tasks.get(taskId);
    const answer = await this.#driver.write({
      taskId,
      writeId: this.#random.id(),
      notAfterUs: this.#nowUs + 60_000_000,
      alternatives: [{ when: { open: true }, then: { set: { status: "completed" } } }],
    });
    if (answer.kind === "written" && task !== undefined) task.row = answer.row;
    this.#count(`end ${answer.kind}`);
  }

  async #remove(): Promise<void> {
    const taskId = this.#random.pick(TASK_IDS);
    const answer = await this.#driver.remove({ taskId, notAfterUs: this.#nowUs + 60_000_000 });
    if (answer === "removed") this.#tasks.delete(taskId);
    this.#count(`remove ${answer}`);
  }

  async #look(): Promise<void> {
    const { purged } = await this.#driver.due(100, 1);
    for (const taskId of purged) this.#tasks.delete(taskId);
    if (purged.length > 0) this.#count("purged");
  }

  async #passTime(): Promise<void> {
    await pass(this.#driver, this.#random.pick([1, 5, 30]), this.#advance);
  }

  /** A push moves the revision, and nothing else of any row. */
  async #compareRows(): Promise<readonly string[]> {
    const { rows, nowUs } = await this.#driver.read(TASK_IDS);
    this.#nowUs = nowUs;
    const found = new Map(rows.map((row) => [row.taskId, row]));
    return TASK_IDS.flatMap((taskId) => {
      const expected = this.#tasks.get(taskId)?.row;
      const wanted = expected !== undefined && isVisible(expected, nowUs) ? expected : undefined;
      const got = found.get(taskId);
      // What maintenance does to it is another comparison's.
      return isDeepStrictEqual(withoutDue(wanted), withoutDue(got))
        ? []
        : [`afterwards, read: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`];
    });
  }

  async #readClock(): Promise<number> {
    this.#nowUs = (await this.#driver.read([])).nowUs;
    return this.#nowUs;
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

function withoutDue(row: TaskRecord | undefined): Partial<TaskRecord> | undefined {
  if (row === undefined) return undefined;
  const { dueAt: _dueAt, ...rest } = row;
  return rest;
}

function difference(
  call: MessagePush | MessageTake,
  expected: PushAnswer | TakeAnswer,
  got: PushAnswer | TakeAnswer,
): readonly string[] {
  if (isDeepStrictEqual(expected, got)) return [];
  return [`${JSON.stringify(call)}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`];
}
