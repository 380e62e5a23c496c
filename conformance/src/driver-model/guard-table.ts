/** Every guard of the language against rows in every state: a driver that skips or bends one gives another answer. */
import type { Change, Guards, TaskDriver, TaskRecord, Write } from "@mcp-task-store/core";
import { RING_SIZE } from "@mcp-task-store/core/transitions";
import { freshId, insertOf, pass, reportOf, rowOf, writeOf } from "./driver-calls.ts";
import { checkRead, checkWrite } from "./expected-answers.ts";
import type { Complaints, ModelRows } from "./expected-answers.ts";

const HOUR_MS = 3_600_000;
/** The shortest deadline there is: it is over soon. */
const SOON_MS = 1;

interface State {
  readonly scope?: string;
  readonly generation?: "2025-11-25" | "2026-07-28";
  readonly changes: readonly Change[];
}

const take = (forMs: number): Change => ({ lease: { take: "worker", forMs, graceMs: HOUR_MS }, attempts: 1 });
const ASKED: Change = {
  set: { status: "input_required", inputs: '{"k":{"request":{"method":"m"}}}' },
  claimInMs: null,
};

/** How rows come to be in the states that guards tell apart. */
const STATES: Readonly<Record<string, State>> = {
  fresh: { changes: [] },
  "of 2025-11-25": { generation: "2025-11-25", changes: [] },
  "of 2026-07-28": { generation: "2026-07-28", changes: [] },
  owned: { scope: "p1", changes: [] },
  "reported on": {
    changes: Array.from({ length: RING_SIZE + 2 }, (_, n) => ({ set: { statusMessage: `step ${n}` } })),
  },
  asked: { changes: [ASKED] },
  "asked, then reported on": { changes: [ASKED, { set: { statusMessage: "asked" } }] },
  leased: { changes: [take(HOUR_MS)] },
  "leased a second time": { changes: [take(SOON_MS), { lease: null }, take(HOUR_MS)] },
  "leased, with a wish to cancel": { changes: [take(HOUR_MS), { cancelRequested: "now" }] },
  lapsed: { changes: [take(SOON_MS)] },
  "not claimed in time": { changes: [{ claimInMs: SOON_MS }] },
  "run for too long": { changes: [{ ...take(HOUR_MS), runInMs: SOON_MS, claimInMs: null }] },
  completed: { changes: [{ set: { status: "completed", outcome: '{"result":{}}' }, claimInMs: null }] },
  failed: { changes: [{ set: { status: "failed", outcome: '{"error":{}}' }, lease: null }] },
  cancelled: { changes: [{ set: { status: "cancelled" } }] },
  expired: { changes: [{ set: { ttlMs: SOON_MS }, ttl: "restart" }] },
};

/** All that the guards can say of a row, so that each holds for some rows and fails for others. */
function guardsFor(row: TaskRecord): readonly Guards[] {
  const token = row.lease?.token ?? row.revision;
  return [
    { open: true },
    { status: "working" },
    { status: "input_required" },
    { lease: "none" },
    { lease: "live" },
    { lease: { token } },
    { lease: { token: token + 1 } },
    { lease: { token: token - 1 } },
    { lease: { lapsed: token } },
    { lease: { lapsed: token + 1 } },
    { expectedInputs: row.inputsId },
    { expectedInputs: null },
    { expectedInputs: "another" },
    { generation: "2025-11-25" },
    { generation: "2026-07-28" },
    { cancelRequested: true },
    { cancelRequested: false },
    { attemptsBelow: row.attempts },
    { attemptsBelow: row.attempts + 1 },
    { claimOver: true },
    { runOver: true },
    { open: true, lease: "none", cancelRequested: false, attemptsBelow: row.attempts + 1 },
  ];
}

/** What every write asks for besides its guards. */
function conditionsFor(row: TaskRecord, nowUs: number): readonly Partial<Write>[] {
  const [oldest] = row.ring;
  const newest = row.ring.at(-1);
  const bornUs = row.createdAt * 1_000;
  return [
    { scope: null },
    { scope: "p1" },
    { scope: "P1" },
    { notAfterUs: nowUs - 1 },
    { notAfterUs: nowUs + HOUR_MS * 1_000 },
    { bornByUs: bornUs - 1_000 },
    { bornByUs: bornUs },
    { createId: row.createId },
    { createId: freshId() },
    ...(oldest === undefined
      ? []
      : [
          { writeId: oldest.writeId },
          { writeId: oldest.writeId, notAfterUs: nowUs - 1 },
          { sinceRevision: oldest.revision - 1 },
          { sinceRevision: oldest.revision },
        ]),
    ...(newest === undefined ? [] : [{ writeId: newest.writeId }]),
  ];
}

/** Each part of a change alone, and some that belong together: what it does not name stays as it was. */
const CHANGES: readonly Change[] = [
  {},
  { set: {} },
  { set: { statusMessage: "said" } },
  { set: { statusMessage: null } },
  { set: { pollIntervalMs: 77 } },
  { set: { metadata: '{ "kept" : 1 }' } },
  { set: { inputs: '{"k":{"request":{"method":"m"}}}' } },
  { set: { status: "input_required" } },
  { set: { status: "working" } },
  { set: { ttlMs: 2 * HOUR_MS }, ttl: "restart" },
  { ttl: "restart" },
  { claimInMs: HOUR_MS },
  { runInMs: HOUR_MS },
  take(HOUR_MS),
  { lease: { extendMs: 2 * HOUR_MS, graceMs: HOUR_MS } },
  { lease: { extendMs: SOON_MS, graceMs: 0 } },
  { attempts: -1 },
  { cancelRequested: "now" },
  { cancelRequested: "now" },
  { set: { statusMessage: "again" } },
  { set: { metadata: null } },
  { lease: null, runInMs: null, claimInMs: null },
  { set: { outcome: '{"result":{"n":1}}' } },
  { set: { ttlMs: null }, ttl: "restart" },
  { set: { status: "completed", outcome: '{"result":{"n":2}}', statusMessage: "done" }, lease: null },
];

/**
 * Sends a write for each guard in each state, each condition in each state, and each change.
 * @returns what is not as the reference says, in words; how many writes were sent
 */
export async function checkTable(
  driver: TaskDriver,
  advance: ((ms: number) => Promise<void>) | undefined,
): Promise<{ readonly complaints: readonly string[]; readonly writes: number }> {
  const rows = await Promise.all(
    Object.entries(STATES).map(async ([name, state]) => ({ name, made: await arrange(driver, state, advance) })),
  );
  await pass(driver, 2 * SOON_MS, advance);
  let writes = 0;
  const tables = rows.map(async ({ name, made }) => {
    if (made === undefined) return [`a row that is to be ${name} is gone`];
    const probe = new RowProbe(driver, made, name);
    const { row, nowUs } = await probe.start();
    const { taskId } = row;
    const first: Change = { set: { statusMessage: "first" } };
    const second: Change = { set: { statusMessage: "second" } };
    for (const when of guardsFor(row)) {
      const alternatives = [
        { when, then: first },
        { when: {}, then: second },
      ];
      await probe.send({ ...writeOf(taskId, { when, then: first }), alternatives, quiet: true });
      await probe.send({ ...writeOf(taskId, { when, then: first }), quiet: true });
    }
    for (const condition of conditionsFor(row, nowUs)) {
      await probe.send({ ...writeOf(taskId, { when: {}, then: first }), quiet: true, ...condition });
    }
    for (const then of CHANGES) await probe.send(writeOf(taskId, { when: {}, then }, { quiet: false }));
    writes += probe.writes;
    return probe.complaints;
  });
  const complaints = (await Promise.all([...tables, reborn(driver)])).flat();
  return { complaints, writes };
}

async function arrange(
  driver: TaskDriver,
  { scope, generation, changes }: State,
  advance: ((ms: number) => Promise<void>) | undefined,
): Promise<TaskRecord | undefined> {
  const taskId = freshId();
  const made = await driver.insert(
    insertOf(taskId, {
      scope: scope ?? null,
      generation: generation ?? null,
      metadata: '{"a":1}',
      request: '{"method":"m"}',
    }),
  );
  let row = made.kind === "late" ? undefined : made.row;
  for (const then of changes) {
    const answer = await driver.write(writeOf(taskId, { when: {}, then }));
    row = answer.kind === "gone" ? undefined : answer.row;
    // So that a lease that is to lapse has lapsed before the next change.
    if (typeof then.lease === "object" && then.lease !== null) await pass(driver, 2 * SOON_MS, advance);
  }
  return row;
}

/** Deleted and made again under its id: what is known of the old task misses the new one. */
async function reborn(driver: TaskDriver): Promise<Complaints> {
  const taskId = freshId();
  await driver.insert(insertOf(taskId));
  await driver.write(writeOf(taskId, { when: {}, then: { ...ASKED, ...take(HOUR_MS) } }));
  const old = await rowOf(driver, taskId);
  await driver.remove({ taskId, notAfterUs: Number.MAX_SAFE_INTEGER });
  const made = await driver.insert(insertOf(taskId));
  if (made.kind === "late") return ["an insert in time was late"];
  const probe = new RowProbe(driver, made.row, "made again under its id");
  await probe.start();
  const { row } = old;
  if (row === undefined || row.lease === null) return ["a row that was leased and asked cannot be read"];
  const then: Change = { set: { statusMessage: "meant for the old one" } };
  await probe.send(writeOf(taskId, { when: { expectedInputs: row.inputsId }, then }));
  await probe.send(writeOf(taskId, { when: { lease: { token: row.lease.token } }, then }));
  await probe.send(writeOf(taskId, { when: {}, then }, { bornByUs: row.createdAt * 1_000 - 1 }));
  await probe.send(writeOf(taskId, { when: {}, then }, { createId: row.createId }));
  for (const { writeId } of row.ring)
    await probe.send(writeOf(taskId, { when: { status: "input_required" }, then }, { writeId }));
  await probe.send(reportOf(taskId, "meant for this one"));
  return probe.complaints;
}

/** A row as it must be, write by write. */
class RowProbe {
  readonly complaints: string[] = [];
  writes = 0;
  readonly #driver: TaskDriver;
  readonly #made: TaskRecord;
  readonly #taskId: string;
  readonly #name: string;
  readonly #rows: ModelRows = new Map();

  /** @param made the row as the write answered it that brought it into its state */
  constructor(driver: TaskDriver, made: TaskRecord, name: string) {
    this.#driver = driver;
    this.#made = made;
    this.#taskId = made.taskId;
    this.#name = name;
  }

  /** The row as it is read; as it was, if it has expired. */
  async start(): Promise<{ readonly row: TaskRecord; readonly nowUs: number }> {
    const { row = this.#made, nowUs } = await rowOf(this.#driver, this.#taskId);
    this.#rows.set(this.#taskId, row);
    return { row, nowUs };
  }

  #note(write: Write, before: TaskRecord | undefined, found: Complaints): void {
    if (found.length === 0) return;
    const { alternatives, ...conditions } = write;
    this.complaints.push(
      `a row that is ${this.#name} and ${JSON.stringify({ ...conditions, alternatives })}: ${found.join("; ")} (row before: ${JSON.stringify(before)})`,
    );
  }

  async send(write: Write): Promise<void> {
    const before = this.#rows.get(this.#taskId);
    this.writes += 1;
    const answer = await this.#driver.write(write);
    if (answer.kind === "refused") {
      // What it did all the same shows in the next answer.
      this.#note(write, before, checkWrite(this.#rows, write, answer, answer.nowUs));
      return;
    }
    const read = await this.#driver.read([this.#taskId], { request: true, outcome: true });
    const found = [
      ...checkWrite(this.#rows, write, answer, read.nowUs),
      ...checkRead(this.#rows, [this.#taskId], { request: true, outcome: true }, read).map(
        (line) => `afterwards, read again: ${line}`,
      ),
    ];
    this.#note(write, before, found);
    if (found.length === 0) return;
    // One difference makes others: the row as it is from now on.
    for (const row of read.rows) this.#rows.set(row.taskId, row);
  }
}
