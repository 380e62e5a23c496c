import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TaskRecord } from "@mcp-task-store/core";
import { newId, plain, shown, writeTo } from "../../src/driver-model/sample-tasks.ts";
import type { OpenScratch, Scratch } from "./scratch.ts";

const finish = { when: { open: true }, then: { set: { status: "completed", outcome: '{"result":{}}' } } } as const;

export function describeWrite(open: OpenScratch): void {
  describe("write", () => {
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = await open();
    });
    afterAll(() => scratch[Symbol.asyncDispose]());

    async function planted(record: Partial<TaskRecord> = {}): Promise<TaskRecord> {
      const row = { ...plain(), ...record };
      await scratch.plant(row);
      return row;
    }

    it("applies the first alternative whose guards hold", async () => {
      const { taskId } = await planted({ status: "input_required" });
      const answer = await scratch.driver.write(
        writeTo(taskId, {
          alternatives: [
            { when: { status: "working" }, then: { set: { statusMessage: "first" } } },
            { when: { status: "input_required" }, then: { set: { statusMessage: "second" } } },
            { when: {}, then: { set: { statusMessage: "third" } } },
          ],
        }),
      );
      expect(answer).toMatchObject({ kind: "written", row: { statusMessage: "second" } });
    });

    it("refuses with the row and the clock that the guards saw", async () => {
      const row = await planted({ status: "completed", lease: null });
      const answer = await scratch.driver.write(writeTo(row.taskId, { alternatives: [finish] }));
      expect(answer).toEqual({ kind: "refused", row: shown(row), nowUs: expect.any(Number) });
      expect(await scratch.stored(row.taskId)).toEqual(row);
    });

    it("answers a write it has applied from the ring, and applies it no second time", async () => {
      const { taskId } = await planted();
      const write = writeTo(taskId, { alternatives: [{ when: {}, then: { attempts: 1 } }] });
      const first = await scratch.driver.write(write);
      await scratch.driver.write(writeTo(taskId, { alternatives: [finish] }));
      const again = await scratch.driver.write({ ...write, notAfterUs: 0 });
      expect(first).toMatchObject({ kind: "written", row: { attempts: 1 } });
      expect(again).toMatchObject({ kind: "written", row: { attempts: 1, status: "completed" } });
    });

    it("remembers the last eight writes, oldest first", async () => {
      const { taskId } = await planted();
      const writes = Array.from({ length: 10 }, () => writeTo(taskId, { alternatives: [{ when: {}, then: {} }] }));
      for (const write of writes) await scratch.driver.write(write);
      const { rows } = await scratch.driver.read([taskId]);
      expect(rows[0]?.ring.map(({ writeId }) => writeId)).toEqual(writes.slice(2).map(({ writeId }) => writeId));
      expect(rows[0]?.ring.at(-1)?.revision).toBe(rows[0]?.revision);
    });

    it("repeats a write only while the ring can tell that it did not land", async () => {
      const { taskId } = await planted();
      const write = writeTo(taskId, { alternatives: [{ when: {}, then: { attempts: 1 } }] });
      const first = await scratch.driver.write(write);
      if (first.kind !== "written") throw new Error("an unguarded write is applied");
      const others = Array.from({ length: 8 }, () => writeTo(taskId, { alternatives: [{ when: {}, then: {} }] }));
      for (const other of others.slice(1)) await scratch.driver.write(other);
      // The row was seen before the write, and by others after it.
      const sinceRevision = first.row.revision - 1;
      expect(await scratch.driver.write({ ...write, sinceRevision })).toMatchObject({
        kind: "written",
        row: { attempts: 1 },
      });
      await scratch.driver.write(writeTo(taskId, { alternatives: [{ when: {}, then: {} }] }));
      expect(await scratch.driver.write({ ...write, sinceRevision })).toMatchObject({
        kind: "refused",
        row: { attempts: 1 },
      });
    });

    it("refuses a write that means another row, and answers one that it has applied all the same", async () => {
      const row = await planted();
      const write = writeTo(row.taskId, { alternatives: [{ when: {}, then: { attempts: 1 } }] });
      const another = { ...write, createId: newId("create"), sinceRevision: Number.MAX_SAFE_INTEGER };
      expect(await scratch.driver.write(another)).toMatchObject({ kind: "refused", row: shown(row) });
      expect(await scratch.stored(row.taskId)).toEqual(row);
      expect(await scratch.driver.write({ ...write, createId: row.createId })).toMatchObject({ kind: "written" });
      expect(await scratch.driver.write(another)).toMatchObject({ kind: "written", row: { attempts: 1 } });
    });

    it("refuses after notAfterUs", async () => {
      const row = await planted();
      const { nowUs } = await scratch.driver.read([]);
      const answer = await scratch.driver.write(writeTo(row.taskId, { alternatives: [finish], notAfterUs: nowUs - 1 }));
      expect(answer).toMatchObject({ kind: "refused", row: shown(row) });
      expect(await scratch.stored(row.taskId)).toEqual(row);
    });

    it("leaves revision, ring and lastUpdatedAt alone when quiet", async () => {
      const row = await planted({ lease: { token: 5, holder: "w", expiresAt: 9_000_000_000_000 } });
      const lease = { extendMs: 1_000, graceMs: 1_000 };
      const write = writeTo(row.taskId, {
        quiet: true,
        alternatives: [{ when: { lease: { token: 5 } }, then: { lease } }],
      });
      const { revision, ring, lastUpdatedAt } = row;
      expect(await scratch.driver.write(write)).toMatchObject({
        kind: "written",
        row: { revision, ring, lastUpdatedAt },
      });
    });

    it.each([
      ["unknown", {}, {}],
      ["expired", { expiresAt: 5_000 }, {}],
      ["somebody else's", { scope: "alice" }, { scope: "bob" }],
      ["owned, for a caller without identity", { scope: "alice" }, { scope: null }],
      ["unowned, for an owner", { scope: null }, { scope: "alice" }],
    ])("does not see a task that is %s", async (why, record, guards) => {
      const row = await planted(record);
      const taskId = why === "unknown" ? newId("task") : row.taskId;
      expect(await scratch.driver.write(writeTo(taskId, { alternatives: [finish], ...guards }))).toEqual({
        kind: "gone",
      });
      expect(await scratch.stored(row.taskId)).toEqual(row);
    });

    it("keeps payloads byte for byte", async () => {
      const { taskId } = await planted();
      const outcome = `{"b":1,"a":"\\u0000\\ud800","q":"\\"{}\\\\","n":1.10e2,"long":"${'€"'.repeat(400_000)}"}`;
      const set = { outcome, inputs: "{}", metadata: '{"a":null}', statusMessage: "" } as const;
      await scratch.driver.write(writeTo(taskId, { alternatives: [{ when: {}, then: { set } }] }));
      const { rows } = await scratch.driver.read([taskId], { outcome: true });
      expect(rows[0]?.outcome === outcome).toBe(true);
      expect(rows[0]).toMatchObject({ inputs: "{}", metadata: '{"a":null}', statusMessage: "" });
    });

    it("applies nothing without alternatives", async () => {
      const row = await planted();
      expect(await scratch.driver.write(writeTo(row.taskId, {}))).toMatchObject({ kind: "refused" });
      expect(await scratch.stored(row.taskId)).toEqual(row);
    });
  });
}
