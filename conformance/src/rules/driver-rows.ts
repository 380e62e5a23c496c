import type { InsertAnswer, TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { RING_SIZE } from "@mcp-task-store/core/transitions";
import { anyEnd } from "../attempt.ts";
import { comparedBy } from "../driver-model/compared-by.ts";
import { compareMessages } from "../driver-model/compare-messages.ts";
import { clockOf, freshId, insertOf, pass, reportOf, rowOf, writeOf } from "../driver-model/driver-calls.ts";
import {
  checkDue,
  checkInsert,
  checkRead,
  checkWrite,
  decide,
  type ModelRows,
} from "../driver-model/expected-answers.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, which } from "../wants.ts";

const HOUR_MS = 3_600_000;
const RACERS = 16;

/** Inserts one after the other, and what is wrong with each answer and with the row as it is read then. */
async function insertsInTurn({ timing: { unitMs }, advance }: Kit, driver: TaskDriver): Promise<readonly string[]> {
  const rows: ModelRows = new Map();
  const taskId = freshId();
  const complaints: string[] = [];
  const send = async (what: string, fields: Parameters<typeof insertOf>[1]): Promise<void> => {
    const insert = insertOf(taskId, fields);
    const answered = checkInsert(rows, insert, await driver.insert(insert));
    const loaded = { request: true, outcome: true };
    const stored = checkRead(rows, [taskId], loaded, await driver.read([taskId], loaded));
    complaints.push(...[...answered, ...stored].map((line) => `${what}: ${line}`));
  };
  const createId = freshId();
  const brief = { createId, ttlMs: unitMs, statusMessage: "old", metadata: '{"old":1}', request: '{"method":"old"}' };
  await send("too late", { notAfterUs: 1 });
  await send("the first", brief);
  await send("the same once more", brief);
  await send("another of its id", { statusMessage: "new" });
  const write = writeOf(taskId, { when: {}, then: { set: { inputs: "{}", outcome: '{"old":1}' } } });
  const answer = await driver.write(write);
  complaints.push(...checkWrite(rows, write, answer, await clockOf(driver)));
  await pass(driver, unitMs + 1, advance);
  await send("another, since the first has expired", { statusMessage: "new" });
  return complaints;
}

export const insert: Rule = defineRule({
  id: "driver/insert",
  title: "An insert is exclusive and can be traced, and an expired row gives way to it",
  level: "promise",
  source: ["P3"],
  needs: ["driver"],
  mutants: ["insert-upsert", "expired-blocks-insert", "writeid-dropped"],
  async act(kit) {
    const [left, right] = [await kit.driver(), await kit.driver()];
    const inTurn = await insertsInTurn(kit, left);
    const races: { readonly answers: readonly InsertAnswer[]; readonly after: TaskRecord | undefined }[] = [];
    for (let round = 0; round < 8; round += 1) {
      const taskId = freshId();
      const inserts = Array.from({ length: RACERS }, (_, n) =>
        (n % 2 === 0 ? left : right).insert(insertOf(taskId, { statusMessage: `from ${n}` })),
      );
      races.push({ answers: await Promise.all(inserts), after: (await rowOf(right, taskId)).row });
    }
    const traced = insertOf(freshId());
    await left.insert(traced);
    const writes = Array.from({ length: RING_SIZE + 2 }, (_, n) => reportOf(traced.taskId, `step ${n}`));
    for (const write of writes) await left.write(write);
    const { row } = await rowOf(right, traced.taskId);
    const kept = { createId: row?.createId, writeIds: row?.ring.map(({ writeId }) => writeId) };
    const wanted = { createId: traced.createId, writeIds: writes.slice(-RING_SIZE).map(({ writeId }) => writeId) };
    return { inTurn, races, kept, wanted };
  },
  judge(expect, { inTurn, races, kept, wanted }) {
    expect("insert a task, repeat it, insert another of its id, and one when it has expired", inTurn, equalTo([]));
    for (const { answers, after } of races) {
      const did = "insert sixteen tasks of one id at once over two handles";
      const won = answers.filter((answer) => answer.kind === "inserted");
      expect(did, won.length, equalTo(1));
      const owner = won[0]?.kind === "inserted" ? won[0].row.createId : undefined;
      const named = answers.map((answer) => (answer.kind === "late" ? undefined : answer.row.createId));
      expect(`${did}: whose row each is told of`, new Set(named).size === 1 && named[0], equalTo(owner ?? false));
      expect(`${did}, then read`, after?.createId, equalTo(owner));
    }
    expect(
      `write ten times to an inserted row, then read its createId and its last ${RING_SIZE} write ids`,
      kept,
      equalTo(wanted),
    );
  },
});

export const readMany: Rule = defineRule({
  id: "driver/read-many",
  title: "A read of many ids gives each row that is there, once, with what was asked for",
  level: "promise",
  source: ["P2", "P7"],
  needs: ["driver"],
  mutants: ["readmany-shifts", "doubled-rows"],
  async act(kit) {
    const driver = await kit.driver();
    const rows: ModelRows = new Map();
    const put = async (fields: Parameters<typeof insertOf>[1], outcome: string | null): Promise<string> => {
      const made = insertOf(freshId(), fields);
      checkInsert(rows, made, await driver.insert(made));
      const write = writeOf(made.taskId, { when: {}, then: { set: { outcome } } });
      checkWrite(rows, write, await driver.write(write), await clockOf(driver));
      return made.taskId;
    };
    const texts = ["one", "two", "three", "four"];
    const there = await Promise.all(
      texts.map((text) => put({ request: `{"method":"${text}"}` }, `{"result":"${text}"}`)),
    );
    const bare = await put({}, null);
    const expired = await put({ ttlMs: 5, request: '{"method":"gone"}' }, '{"result":"gone"}');
    await pass(driver, 6, kit.advance);
    const [first = "", second = "", ...rest] = there;
    const asked = [freshId(), first, expired, second, first, freshId(), ...rest, bare, second];
    const complaints: string[] = [];
    for (const request of [false, true]) {
      for (const outcome of [false, true]) {
        const found = checkRead(rows, asked, { request, outcome }, await driver.read(asked, { request, outcome }));
        complaints.push(...found.map((line) => `request ${request}, outcome ${outcome}: ${line}`));
      }
    }
    return { complaints, none: (await driver.read([])).rows };
  },
  judge(expect, { complaints, none }) {
    expect("read ten ids, some unknown, some twice, one expired", complaints, equalTo([]));
    expect("read no ids", none, equalTo([]));
  },
});

export const batch: Rule = defineRule({
  id: "driver/batch",
  title: "Of many writes in one tick each caller gets its own answer",
  level: "promise",
  source: ["P1", "P10"],
  needs: ["driver"],
  mutants: ["batch-shuffled", "batch-all-fail"],
  async act(kit) {
    const driver = await kit.driver();
    const ids = Array.from({ length: 24 }, freshId);
    for (const taskId of ids) await driver.insert(insertOf(taskId));
    const aborted = AbortSignal.abort();
    const calls = Array.from({ length: 64 }, (_, n) => {
      const taskId = n % 8 === 7 ? freshId() : (ids[n % ids.length] ?? "");
      const when = n % 8 === 5 ? ({ lease: "live" } as const) : {};
      const write = writeOf(taskId, { when, then: { set: { statusMessage: `of ${n}` } } });
      // One that its caller has given up before it was sent: the others must not notice.
      const end = n === 30 ? driver.write(write, { signal: aborted }) : driver.write(write);
      return { n, write, kind: n % 8 === 7 ? "gone" : n % 8 === 5 ? "refused" : "written", end: anyEnd(end) };
    });
    const seen: { readonly n: number; readonly answer: unknown }[] = [];
    for (const { n, write, kind, end } of calls) {
      const ended = await end;
      if (n === 30) continue;
      const answer = ended.kind === "rejected" ? { rejected: ended.error } : ended.value;
      const own =
        ended.kind === "fulfilled" &&
        ended.value.kind === kind &&
        (ended.value.kind === "gone" || ended.value.row.taskId === write.taskId) &&
        (ended.value.kind !== "written" || ended.value.row.ring.some(({ writeId }) => writeId === write.writeId));
      if (!own) seen.push({ n, answer });
    }
    return seen;
  },
  judge(expect, seen) {
    expect(
      "send 64 writes in one tick: to rows, to unknown ids, with guards that fail, and one that was given up before",
      seen,
      which("no answer that is not the caller's own", (wrong) => wrong.length === 0),
    );
  },
});

export const due: Rule = defineRule({
  id: "driver/due",
  title: "A look finds every row that needs one, whatever moved its deadlines since",
  level: "promise",
  source: ["P7", "P8"],
  needs: ["driver"],
  mutants: ["due-moved-later", "due-unlimited", "due-not-held", "due-forgets-purged", "due-never-more"],
  isolated: true,
  async act(kit) {
    const driver = await kit.driver();
    const soonMs = 15;
    const take = (forMs: number) => ({ lease: { take: "worker", forMs, graceMs: HOUR_MS }, claimInMs: null }) as const;
    const kinds: Readonly<Record<string, readonly Parameters<typeof writeOf>[1]["then"][]>> = {
      live: [],
      leased: [take(HOUR_MS)],
      lapsed: [take(soonMs)],
      "lapsed, with a later ttl since": [take(soonMs), { set: { ttlMs: 2 * HOUR_MS }, ttl: "restart" }],
      "lapsed, with a later claim since": [take(soonMs), { claimInMs: HOUR_MS }],
      "its run over, renewed since": [
        { ...take(HOUR_MS), runInMs: soonMs },
        { lease: { extendMs: 2 * HOUR_MS, graceMs: 0 } },
      ],
      unclaimed: [{ claimInMs: soonMs }],
      expired: [{ set: { ttlMs: soonMs }, ttl: "restart" }],
      released: [take(soonMs), { lease: null, claimInMs: HOUR_MS }],
      terminal: [{ set: { status: "completed", outcome: "{}" }, claimInMs: null }],
    };
    const names = new Map<string, string>();
    const model: ModelRows = new Map();
    for (const [name, changes] of Object.entries(kinds)) {
      for (const twin of [1, 2]) {
        const taskId = freshId();
        names.set(taskId, `${name} (${twin})`);
        const inserted = await driver.insert(insertOf(taskId));
        if (inserted.kind !== "late") model.set(taskId, inserted.row);
        for (const then of changes) {
          const answer = await driver.write(writeOf(taskId, { when: {}, then }));
          // Read now it may have expired.
          if (answer.kind === "written") model.set(taskId, answer.row);
        }
      }
    }
    await pass(driver, soonMs + 1, kit.advance);
    const complaints: string[] = [];
    const found: string[] = [];
    for (let looks = 0; looks < 12; looks += 1) {
      const answer = await driver.due(3, HOUR_MS);
      const check = checkDue(model, 3, HOUR_MS, answer);
      complaints.push(...check.complaints, ...(await decide(driver, model, check)));
      found.push(...answer.purged, ...answer.rows.map(({ taskId }) => taskId));
      if (!answer.more && answer.rows.length + answer.purged.length === 0) break;
    }
    const readable = (text: string): string => [...names].reduce((line, [id, name]) => line.replaceAll(id, name), text);
    return { complaints: complaints.map(readable), found: found.map(readable).toSorted() };
  },
  judge(expect, { complaints, found }) {
    const wanted = NEED_A_LOOK.flatMap((name) => [`${name} (1)`, `${name} (2)`]).toSorted();
    expect("let deadlines of twenty rows pass and look three rows at a time: what was found", found, equalTo(wanted));
    expect("the same, look by look", complaints, equalTo([]));
  },
});

const NEED_A_LOOK: readonly string[] = [
  "lapsed",
  "lapsed, with a later ttl since",
  "lapsed, with a later claim since",
  "its run over, renewed since",
  "unclaimed",
  "expired",
];

export const messages: Rule = defineRule({
  id: "driver/messages",
  title: "Pushes and takes mean what the reference says",
  level: "promise",
  source: ["P2", "P3"],
  needs: ["driver", "messages"],
  mutants: ["push-room-for-one-more", "take-any-receipt", "take-newest-first"],
  isolated: true,
  act: async (kit) => comparedBy(kit, compareMessages, await kit.driver()),
  judge: (expect, difference) =>
    expect("send random pushes and takes to tasks that end, expire and come again", difference, equalTo(undefined)),
});
