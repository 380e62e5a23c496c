import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { InsertAnswer, TaskDriver } from "@mcp-task-store/core";
import { NEVER, newId, newTask, plain, writeTo } from "../../src/driver-model/sample-tasks.ts";
import type { OpenScratch, Scratch } from "./scratch.ts";

const RACERS = 32;

export function describeRaces(open: OpenScratch): void {
  describe("races between processes", () => {
    let scratch: Scratch;
    let drivers: readonly TaskDriver[];
    beforeAll(async () => {
      scratch = await open();
      drivers = [scratch.driver, scratch.another(), scratch.another()];
    });
    afterAll(() => scratch[Symbol.asyncDispose]());

    function race<T>(each: (driver: TaskDriver, racer: number) => Promise<T>): Promise<T[]> {
      return Promise.all(
        Array.from({ length: RACERS }, async (_, racer) =>
          each(drivers[racer % drivers.length] ?? scratch.driver, racer),
        ),
      );
    }

    it("has one winner among conditional writes, and tells the others", async () => {
      for (let round = 0; round < 5; round += 1) {
        const { taskId } = plain();
        await scratch.plant({ taskId });
        const answers = await race((driver, racer) => {
          const set = { status: "completed", statusMessage: `${racer}` } as const;
          return driver.write(writeTo(taskId, { alternatives: [{ when: { open: true }, then: { set } }] }));
        });
        const winners = answers.flatMap((answer) => (answer.kind === "written" ? [answer.row] : []));
        expect(winners).toHaveLength(1);
        expect(
          answers.every((answer) => answer.kind !== "gone" && answer.row.statusMessage === winners[0]?.statusMessage),
        ).toBe(true);
        expect(await scratch.stored(taskId)).toMatchObject(winners[0] ?? {});
      }
    });

    it("loses no write that is not conditional", async () => {
      const { taskId } = plain();
      await scratch.plant({ taskId });
      await race((driver) => driver.write(writeTo(taskId, { alternatives: [{ when: {}, then: { attempts: 1 } }] })));
      expect(await scratch.stored(taskId)).toMatchObject({ attempts: RACERS });
    });

    it.each(["fresh", "expired"] as const)("has one winner among inserts of an id that is %s", async (state) => {
      for (let round = 0; round < 5; round += 1) {
        const taskId = newId("task");
        if (state === "expired") await scratch.plant({ taskId, expiresAt: 5, statusMessage: "old" });
        const answers = await race((driver) => insertOf(driver, taskId, newId("create")));
        const winners = answers.flatMap((answer) => (answer.kind === "inserted" ? [answer.row.createId] : []));
        expect(winners).toHaveLength(1);
        expect(answers.map((answer) => ("row" in answer ? answer.row.createId : answer.kind))).toEqual(
          Array.from({ length: RACERS }, () => winners[0]),
        );
      }
    });

    it("stores one task for racing attempts of one insert", async () => {
      const [taskId, createId] = [newId("task"), newId("create")];
      const answers = await race((driver) => insertOf(driver, taskId, createId));
      expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["inserted"]));
      expect(new Set(answers.map((answer) => ("row" in answer ? answer.row.revision : 0))).size).toBe(1);
    });

    it("removes a task once", async () => {
      const { taskId } = plain();
      await scratch.plant({ taskId });
      const answers = await race((driver) => driver.remove({ taskId, notAfterUs: NEVER }));
      expect(answers.filter((answer) => answer === "removed")).toHaveLength(1);
      expect(answers.filter((answer) => answer === "gone")).toHaveLength(RACERS - 1);
    });

    it("lets inserts, removals and purges of one id run into each other", async () => {
      const taskId = newId("task");
      const answers = await race(async (driver, racer) => {
        if (racer % 4 === 0) return driver.remove({ taskId, notAfterUs: NEVER });
        if (racer % 4 === 1) return driver.due(10, 0);
        return insertOf(driver, taskId, newId("create"), 1);
      });
      expect(answers).toHaveLength(RACERS);
    });
  });
}

function insertOf(
  driver: TaskDriver,
  taskId: string,
  createId: string,
  ttlMs: number | null = null,
): Promise<InsertAnswer> {
  return driver.insert(newTask({ taskId, createId, ttlMs }));
}
