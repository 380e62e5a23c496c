import type { Insert, TaskDriver, TaskRecord, Write, WriteAnswer } from "@mcp-task-store/core";
import { isVisible, ringProves } from "@mcp-task-store/core/transitions";
import { SeededRandom } from "../seeded-random.ts";
import { checkBurst } from "./burst-order.ts";
import { pass } from "./driver-calls.ts";
import { checkDue, checkInsert, checkPage, checkRead, checkRemove, decide } from "./expected-answers.ts";
import type { Complaints, ModelRows } from "./expected-answers.ts";
import { randomDuration, randomScope, randomWrite } from "./random-write.ts";
import { GENERATIONS, PAYLOADS, SCOPES, STATUSES, TASK_IDS, TEXTS } from "./values.ts";

/** What a comparison has met, by name: "insert inserted", "write refused", "write from the ring", … */
export type ComparisonCounts = Readonly<Record<string, number>>;

type Step = () => Promise<Complaints>;

const MAX_REMEMBERED_WRITE_IDS = 64;
const WITH_PAYLOADS = { request: true, outcome: true } as const;

/** One comparison: the driver, the rows as they must be, and the choices that its seed makes. */
export class DriverComparer {
  readonly #driver: TaskDriver;
  readonly #random: SeededRandom;
  readonly #advance: ((ms: number) => void | Promise<void>) | undefined;
  readonly #rows: ModelRows = new Map();
  readonly #counts = new Map<string, number>();
  #usedWriteIds: readonly string[] = [];
  #nowUs = 0;
  #call: readonly unknown[] = [];
  #writesLeft = 0;

  constructor(driver: TaskDriver, seed: number, advance?: (ms: number) => void | Promise<void>) {
    this.#driver = driver;
    this.#random = new SeededRandom(seed);
    this.#advance = advance;
  }

  get counts(): ComparisonCounts {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Makes calls until the writes are used up. @returns the first difference in words, or undefined */
  async run(writes: number): Promise<string | undefined> {
    this.#writesLeft = writes;
    this.#nowUs = (await this.#driver.read([])).nowUs;
    for (let step = 1; this.#writesLeft > 0; step += 1) {
      const before = new Map(this.#rows);
      let complaints: Complaints;
      try {
        complaints = await this.#randomStep()();
        if (complaints.length === 0) complaints = await this.#compareAllRows();
      } catch (error) {
        throw new Error(`step ${step}: ${JSON.stringify(this.#call)} failed`, { cause: error });
      }
      if (complaints.length > 0) return this.#describe(step, complaints, before);
    }
    return undefined;
  }

  #describe(step: number, complaints: Complaints, before: ModelRows): string {
    const call = JSON.stringify(this.#call);
    const rows = TASK_IDS.filter((taskId) => call.includes(JSON.stringify(taskId))).map(
      (taskId) => `  ${JSON.stringify(taskId)}: ${JSON.stringify(before.get(taskId) ?? "no row")}`,
    );
    return [`step ${step}):`, ...complaints.map((line) => `- ${line}`), `call: ${call}`, "rows before:", ...rows].join(
      "\n",
    );
  }

  #randomStep(): Step {
    const choice = this.#random.next();
    if (choice < 0.14) return () => this.#insert();
    if (choice < 0.66) return () => this.#write();
    if (choice < 0.72) return () => this.#burst();
    if (choice < 0.77) return () => this.#read();
    if (choice < 0.83) return () => this.#page();
    if (choice < 0.9) return () => this.#look();
    if (choice < 0.93) return () => this.#remove();
    return () => this.#passTime();
  }

  async #insert(): Promise<Complaints> {
    const random = this.#random;
    const taskId = random.pick(TASK_IDS);
    const present = this.#rows.get(taskId);
    const insert: Insert = {
      taskId,
      createId: present !== undefined && random.chance(0.2) ? present.createId : random.id(),
      scope: random.pick(SCOPES),
      generation: random.pick([null, ...GENERATIONS]),
      statusMessage: random.chance(0.5) ? null : random.pick(TEXTS),
      ttlMs: random.chance(0.1) ? null : randomDuration(random),
      pollIntervalMs: 1 + random.below(1000),
      claimInMs: randomDuration(random),
      metadata: random.chance(0.5) ? null : random.pick(PAYLOADS),
      request: random.chance(0.5) ? null : random.pick(PAYLOADS),
      notAfterUs: this.#notAfterUs(),
    };
    this.#call = ["insert", insert];
    const answer = await this.#driver.insert(insert);
    this.#nowUs = answer.nowUs;
    const again = present !== undefined && answer.kind === "inserted" && present.createId === insert.createId;
    this.#count(again ? "insert repeated" : `insert ${answer.kind}`);
    const complaints = checkInsert(this.#rows, insert, answer);
    if (answer.kind !== "late") tamperWith(answer.row);
    return complaints;
  }

  async #write(): Promise<Complaints> {
    return await this.#sendWrites([this.#randomWrite(this.#random.pick(TASK_IDS))]);
  }

  /** Several writes at once, most of them to one row. */
  async #burst(): Promise<Complaints> {
    const taskId = this.#random.pick(TASK_IDS);
    const writes = Array.from({ length: 2 + this.#random.below(3) }, () =>
      this.#randomWrite(this.#random.chance(0.9) ? taskId : this.#random.pick(TASK_IDS)),
    );
    this.#count("burst");
    return await this.#sendWrites(writes);
  }

  async #sendWrites(writes: readonly Write[]): Promise<Complaints> {
    this.#writesLeft -= writes.length;
    this.#call = ["write", ...writes];
    const burst = await Promise.all(writes.map(async (write) => ({ write, answer: await this.#driver.write(write) })));
    for (const { write, answer } of burst) this.#countWrite(write, answer);
    await this.#readClock();
    const complaints = checkBurst(this.#rows, burst, this.#nowUs);
    for (const { answer } of burst) if (answer.kind !== "gone") tamperWith(answer.row);
    return complaints;
  }

  async #read(): Promise<Complaints> {
    const random = this.#random;
    const taskIds = Array.from({ length: random.below(8) }, () => random.pick([...TASK_IDS, "unknown"]));
    const loaded = { request: random.chance(0.5), outcome: random.chance(0.5) };
    this.#call = ["read", taskIds, loaded];
    const answer = await this.#driver.read(taskIds, loaded);
    this.#count("read");
    const complaints = checkRead(this.#rows, taskIds, loaded, answer);
    for (const row of answer.rows) tamperWith(row);
    return complaints;
  }

  async #page(): Promise<Complaints> {
    const random = this.#random;
    const rows = [...this.#rows.values()];
    const position = rows.length === 0 ? undefined : random.pick(rows);
    const query = {
      ...randomScope(random, position),
      ...(random.chance(0.3) ? { status: random.shuffled(STATUSES).slice(0, 1 + random.below(3)) } : {}),
      ...(position === undefined || random.chance(0.4)
        ? {}
        : {
            after: {
              createdAt: position.createdAt + random.pick([0, 0, 0, 1, -1]),
              taskId: random.pick([position.taskId, ...TASK_IDS]),
            },
          }),
      limit: 1 + random.below(6),
    };
    this.#call = ["page", query];
    const answer = await this.#driver.page(query);
    this.#count(answer.rows.length === 0 ? "page empty" : "page");
    const complaints = checkPage(this.#rows, query, answer);
    for (const row of answer.rows) tamperWith(row);
    return complaints;
  }

  async #look(): Promise<Complaints> {
    const limit = 1 + this.#random.below(6);
    const holdMs = this.#random.pick([1, 10, 1000]);
    this.#call = ["due", limit, holdMs];
    const answer = await this.#driver.due(limit, holdMs);
    if (answer.rows.length > 0) this.#count("due work");
    if (answer.purged.length > 0) this.#count("due purged");
    const check = checkDue(this.#rows, limit, holdMs, answer);
    for (const row of answer.rows) tamperWith(row);
    return [...check.complaints, ...(await decide(this.#driver, this.#rows, check))];
  }

  async #remove(): Promise<Complaints> {
    const taskId = this.#random.pick(TASK_IDS);
    const remove = { taskId, ...randomScope(this.#random, this.#rows.get(taskId)), notAfterUs: this.#notAfterUs() };
    this.#call = ["remove", remove];
    const earlierUs = await this.#readClock();
    const answer = await this.#driver.remove(remove);
    this.#count(`remove ${answer}`);
    return checkRemove(this.#rows, remove, answer, earlierUs, await this.#readClock());
  }

  async #passTime(): Promise<Complaints> {
    const ms = this.#random.pick([1, 2, 5, 10, 25]);
    this.#call = ["time passes", ms];
    this.#count("time passed");
    await pass(this.#driver, ms, this.#advance);
    await this.#readClock();
    return [];
  }

  /** Every row, not only those of the call: a write must leave the others alone. */
  async #compareAllRows(): Promise<Complaints> {
    const answer = await this.#driver.read(TASK_IDS, WITH_PAYLOADS);
    this.#nowUs = answer.nowUs;
    return checkRead(this.#rows, TASK_IDS, WITH_PAYLOADS, answer).map((line) => `afterwards, read again: ${line}`);
  }

  async #readClock(): Promise<number> {
    this.#nowUs = (await this.#driver.read([])).nowUs;
    return this.#nowUs;
  }

  #randomWrite(taskId: string): Write {
    const subject = { taskId, row: this.#rows.get(taskId), nowUs: this.#nowUs, usedWriteIds: this.#usedWriteIds };
    const write = randomWrite(this.#random, subject);
    this.#usedWriteIds = [...this.#usedWriteIds, write.writeId].slice(-MAX_REMEMBERED_WRITE_IDS);
    return write;
  }

  #notAfterUs(): number {
    return this.#nowUs + (this.#random.chance(0.06) ? this.#random.below(4000) - 2000 : 60_000_000);
  }

  #countWrite(write: Write, answer: WriteAnswer): void {
    const row = this.#rows.get(write.taskId);
    if (answer.kind === "gone") {
      const foreign = row !== undefined && isVisible(row, this.#nowUs);
      this.#count(foreign ? "write gone, foreign" : "write gone, none or expired");
    } else if (row?.ring.some(({ writeId }) => writeId === write.writeId) === true) {
      this.#count("write from the ring");
    } else if (answer.nowUs > write.notAfterUs) {
      this.#count("write late");
    } else if (row !== undefined && !ringProves(row, write)) {
      this.#count("write refused, ring cannot tell");
    } else {
      this.#count(write.quiet === true ? `write ${answer.kind}, quiet` : `write ${answer.kind}`);
    }
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

/** Tries to edit the store through an answer; the next reading of all rows shows whether that worked. */
function tamperWith(row: TaskRecord): void {
  Reflect.set(row, "statusMessage", "tampered with");
  Reflect.set(row.ring, 0, { writeId: "tampered with", revision: 1 });
  if (row.lease !== null) Reflect.set(row.lease, "expiresAt", 1);
  const [entry] = row.ring;
  if (entry !== undefined) Reflect.set(entry, "revision", 2);
}
