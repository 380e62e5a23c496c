import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TaskRecord } from "@mcp-task-store/core";
import { NEVER, newId, plain } from "../../src/driver-model/sample-tasks.ts";
import type { OpenScratch, Scratch } from "./scratch.ts";

const LATER = 9_000_000_000_000;

export function describeRemoveAndDue(open: OpenScratch): void {
  describe("remove and due", () => {
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = await open();
    });
    afterAll(() => scratch[Symbol.asyncDispose]());
    beforeEach(async () => {
      await scratch.clear();
    });

    describe("remove", () => {
      it.each([
        ["of any scope", { scope: "alice" }, {}],
        ["of the caller's own scope", { scope: "alice" }, { scope: "alice" }],
        ["without an owner", { scope: null }, { scope: null }],
      ])("deletes a task %s", async (_, record, guard) => {
        const row = { ...plain(), ...record };
        await scratch.plant(row);
        expect(await scratch.driver.remove({ taskId: row.taskId, notAfterUs: NEVER, ...guard })).toBe("removed");
        expect(await scratch.stored(row.taskId)).toBeUndefined();
      });

      it.each([
        ["foreign", { scope: "alice" }, { scope: "bob" }],
        ["expired", { expiresAt: 5 }, {}],
        ["unknown", {}, { taskId: newId("unknown") }],
      ])("does not see a task that is %s", async (_, record, remove) => {
        const row = { ...plain(), ...record };
        await scratch.plant(row);
        expect(await scratch.driver.remove({ taskId: row.taskId, notAfterUs: NEVER, ...remove })).toBe("gone");
        expect(await scratch.stored(row.taskId)).toEqual(row);
      });

      it("deletes nothing after its deadline", async () => {
        const row = plain();
        await scratch.plant(row);
        const { nowUs } = await scratch.driver.read([]);
        expect(await scratch.driver.remove({ taskId: row.taskId, notAfterUs: nowUs - 1 })).toBe("late");
        expect(await scratch.stored(row.taskId)).toEqual(row);
      });
    });

    describe("due", () => {
      it("answers the clock alone when nothing is due", async () => {
        await scratch.plant({ dueAt: null, expiresAt: 5 }, { dueAt: LATER, claimBy: 5 });
        expect(await scratch.driver.due(10, 1_000)).toEqual({
          rows: [],
          purged: [],
          more: false,
          nowUs: expect.any(Number),
        });
      });

      it("takes the earliest first, and says whether the limit left some out", async () => {
        const rows = [30, 10, 20].map((dueAt) => ({ ...plain(), dueAt, claimBy: 5 }));
        await scratch.plant(...rows);
        const first = await scratch.driver.due(2, 60_000);
        expect(new Set(first.rows.map(({ taskId }) => taskId))).toEqual(new Set([rows[1]?.taskId, rows[2]?.taskId]));
        expect(first.more).toBe(true);
        const second = await scratch.driver.due(1, 60_000);
        expect(second.rows.map(({ taskId }) => taskId)).toEqual([rows[0]?.taskId]);
        expect(second.more).toBe(false);
      });

      it("hides work for its hold, and shows it again", async () => {
        const row = { ...plain(), dueAt: 5, lease: { token: 3, holder: "w", expiresAt: 5 } };
        await scratch.plant(row);
        const { rows, nowUs } = await scratch.driver.due(10, 0);
        expect(rows).toMatchObject([{ taskId: row.taskId, revision: row.revision, dueAt: Math.floor(nowUs / 1000) }]);
        expect((await scratch.driver.due(10, 60_000)).rows).toHaveLength(1);
        expect((await scratch.driver.due(10, 60_000)).rows).toHaveLength(0);
      });

      it("deletes what is expired, and names it", async () => {
        const row = { ...plain(), dueAt: 5, expiresAt: 5, claimBy: 5 };
        await scratch.plant(row);
        expect(await scratch.driver.due(10, 1_000)).toMatchObject({ rows: [], purged: [row.taskId] });
        expect(await scratch.stored(row.taskId)).toBeUndefined();
      });

      it("shares the work out between processes that look at once", async () => {
        const rows = Array.from({ length: 60 }, (_, index) => ({
          ...plain(),
          dueAt: index,
          ...(index % 2 ? { expiresAt: 5 } : { claimBy: 5 }),
        }));
        await scratch.plant(...rows);
        const drivers = [scratch.driver, scratch.another(), scratch.another()];
        const work: TaskRecord[] = [];
        const purged: string[] = [];
        for (let more = true; more;) {
          const looks = await Promise.all(drivers.map((driver) => driver.due(7, 60_000)));
          work.push(...looks.flatMap((look) => look.rows));
          purged.push(...looks.flatMap((look) => look.purged));
          more = looks.some((look) => look.rows.length + look.purged.length > 0);
        }
        expect(work).toHaveLength(30);
        expect(new Set([...work.map(({ taskId }) => taskId), ...purged]).size).toBe(60);
      });
    });
  });
}
