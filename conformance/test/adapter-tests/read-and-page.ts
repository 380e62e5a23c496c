import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PageQuery, TaskRecord } from "@mcp-task-store/core";
import { NEVER, newId, plain, shown } from "../../src/driver-model/sample-tasks.ts";
import type { OpenScratch, Scratch } from "./scratch.ts";

export function describeReadAndPage(open: OpenScratch): void {
  describe("read and page", () => {
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = await open();
    });
    afterAll(() => scratch[Symbol.asyncDispose]());
    beforeEach(async () => {
      await scratch.clear();
    });

    it("reads the clock alone", async () => {
      const before = await scratch.driver.read([]);
      const after = await scratch.driver.read([]);
      expect(before.rows).toEqual([]);
      expect(after.nowUs).toBeGreaterThanOrEqual(before.nowUs);
      expect(Number.isSafeInteger(after.nowUs)).toBe(true);
    });

    it("reads visible tasks of any scope, each once", async () => {
      const [own, foreign, expired] = [plain(), { ...plain(), scope: "alice" }, { ...plain(), expiresAt: 5 }];
      await scratch.plant(own, foreign, expired);
      const ids = [own.taskId, foreign.taskId, expired.taskId, newId("unknown"), own.taskId, 'it\'s {"odd"},\\'];
      const { rows } = await scratch.driver.read(ids);
      expect(rows.toSorted(byId)).toEqual([shown(own), shown(foreign)].toSorted(byId));
    });

    it.each([
      [{}, {}],
      [{ request: true }, { request: '{"r":1}' }],
      [{ outcome: true }, { outcome: '{"o":1}' }],
      [
        { request: true, outcome: true },
        { request: '{"r":1}', outcome: '{"o":1}' },
      ],
      [{ request: false, outcome: true }, { outcome: '{"o":1}' }],
      [{ request: false }, {}],
    ])("reads what was asked for: %j", async (options, expected) => {
      const row = { ...plain(), request: '{"r":1}', outcome: '{"o":1}' };
      await scratch.plant(row);
      const { rows } = await scratch.driver.read([row.taskId], options);
      expect(rows).toStrictEqual([{ ...shown(row), ...expected }]);
    });

    it("walks every visible task of a scope once, newest first, then by id bytewise", async () => {
      // Five share an instant; "Z" < "a" < "é" < "😀" bytewise in UTF-8, whatever the locale says.
      const ids = ["Z", "a", "B", "é", "😀", "~", "aa"];
      const rows = ids.map((taskId, index) => ({
        ...plain(),
        taskId,
        scope: "alice",
        createdAt: index < 5 ? 100 : 100 + index,
      }));
      const others = [
        { ...plain(), scope: "bob" },
        { ...plain(), scope: null },
        { ...plain(), scope: "alice", expiresAt: 5 },
      ];
      await scratch.plant(...rows, ...others);
      const expected = rows.toSorted(
        (a, b) => b.createdAt - a.createdAt || Buffer.compare(Buffer.from(b.taskId), Buffer.from(a.taskId)),
      );
      for (const limit of [1, 2, 3, 7, 50]) {
        expect(await walk({ scope: "alice", limit })).toEqual(expected.map(({ taskId }) => taskId));
      }
    });

    it("pages unowned tasks and all tasks", async () => {
      const unowned = { ...plain(), createdAt: 1 };
      const owned = { ...plain(), scope: "alice", createdAt: 2 };
      await scratch.plant(unowned, owned);
      expect(await walk({ scope: null, limit: 1 })).toEqual([unowned.taskId]);
      expect(await walk({ limit: 1 })).toEqual([owned.taskId, unowned.taskId]);
      expect(await scratch.driver.page({ scope: "nobody", limit: 5 })).toMatchObject({ rows: [] });
    });

    it("filters before it counts", async () => {
      const rows = Array.from({ length: 30 }, (_, index): TaskRecord => ({
        ...plain(),
        createdAt: index,
        status: index % 10 === 0 ? "failed" : "working",
      }));
      await scratch.plant(...rows);
      const { rows: found } = await scratch.driver.page({ status: ["failed", "cancelled"], limit: 2 });
      expect(found.map(({ createdAt }) => createdAt)).toEqual([20, 10]);
    });

    it("goes on behind a row that is gone", async () => {
      const rows = [1, 2, 3].map((createdAt) => ({ ...plain(), createdAt }));
      await scratch.plant(...rows);
      const [last, middle] = rows;
      await scratch.driver.remove({ taskId: middle?.taskId ?? "", notAfterUs: NEVER });
      const { rows: found } = await scratch.driver.page({
        after: { createdAt: 2, taskId: middle?.taskId ?? "" },
        limit: 5,
      });
      expect(found.map(({ taskId }) => taskId)).toEqual([last?.taskId]);
    });

    async function walk(query: PageQuery): Promise<readonly string[]> {
      const seen: string[] = [];
      for (let page = await scratch.driver.page(query); ;) {
        expect(page.rows.length).toBeLessThanOrEqual(query.limit);
        seen.push(...page.rows.map(({ taskId }) => taskId));
        const last = page.rows.at(-1);
        if (last === undefined) return seen;
        page = await scratch.driver.page({ ...query, after: last });
      }
    }
  });
}

function byId(a: TaskRecord, b: TaskRecord): number {
  return a.taskId < b.taskId ? -1 : 1;
}
