/** Pushes and takes that meet: each is decided by what was stored before it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DriverMessages, MessagePush, TakeAnswer, TaskDriver } from "@mcp-task-store/core";
import { NEVER, plain, pushTo, takeFrom } from "../../src/driver-model/sample-tasks.ts";
import type { OpenScratch, Scratch } from "./scratch.ts";

const RACERS = 32;

export function describeMessageRaces(open: OpenScratch): void {
  describe("messages that race", () => {
    let scratch: Scratch;
    let drivers: readonly TaskDriver[];
    let messages: DriverMessages;
    beforeAll(async () => {
      scratch = await open();
      drivers = [scratch.driver, scratch.another(), scratch.another()];
      messages = messagesOf(scratch.driver);
    });
    afterAll(() => scratch[Symbol.asyncDispose]());

    async function task(waiting: readonly string[] = []): Promise<string> {
      const row = plain();
      await scratch.plant(row);
      for (const text of waiting) await messages.push(pushTo(row.taskId, { message: message(text) }));
      return row.taskId;
    }

    it("of 32 pushes five find room", async () => {
      for (let round = 0; round < 5; round += 1) {
        const taskId = await task();
        const answers = await race((own, racer) =>
          own.push(pushTo(taskId, { message: message(`m${racer}`), maxSize: 5 })),
        );
        const winners = answers.flatMap(({ kind }, racer) => (kind === "pushed" ? [`m${racer}`] : []));
        expect(winners).toHaveLength(5);
        expect(answers.filter(({ kind }) => kind === "full")).toHaveLength(RACERS - 5);
        expect((await textsIn(taskId)).toSorted(byText)).toEqual(winners.toSorted(byText));
      }
    });

    it("attempts of one push store one message", async () => {
      const push = pushTo(await task(), { maxSize: 1 });
      const answers = await race((own) => own.push(push));
      expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["pushed"]));
      expect(await textsIn(push.taskId)).toEqual(["{}"]);
    });

    it("32 takes get 32 messages, attempts of one take the same", async () => {
      const texts = Array.from({ length: RACERS }, (_, index) => `m${index}`);
      const taskId = await task(texts);
      const answers = await race((own) => own.take(takeFrom(taskId)));
      expect(answers.flatMap(textsOf).toSorted(byText)).toEqual(texts.toSorted(byText));

      const again = takeFrom(await task(texts));
      const same = await race((own) => own.take(again));
      expect(same.map(textsOf)).toEqual(same.map(() => ["m0"]));
    });

    it("drains among pushes get each message once", async () => {
      const taskId = await task();
      const drained: string[] = [];
      let pushed = 0;
      const push = async (): Promise<void> => {
        for (; pushed < 200;) {
          const text = `m${String((pushed += 1)).padStart(3, "0")}`;
          await messages.push(pushTo(taskId, { message: message(text) }));
        }
      };
      const drain = async (own: DriverMessages): Promise<void> => {
        for (; drained.length < 200;) drained.push(...textsOf(await own.take(takeFrom(taskId, { limit: null }))));
      };
      await Promise.all([push(), ...drivers.map((driver) => drain(messagesOf(driver)))]);
      expect(drained.toSorted(byText)).toEqual(
        Array.from({ length: 200 }, (_, index) => `m${String(index + 1).padStart(3, "0")}`),
      );
    });

    it("pushes, takes, deletes and purges of one task run into each other, and leave nothing behind", async () => {
      const taskId = await task();
      await race(async (own, racer, driver) => {
        if (racer % 8 === 7) return await driver.remove({ taskId, notAfterUs: NEVER });
        if (racer % 4 === 2) return await own.take(takeFrom(taskId, { limit: null }));
        if (racer % 4 === 3) return await driver.due(10, 0);
        return await own.push(pushTo(taskId));
      });
      expect(await scratch.stored(taskId)).toBeUndefined();
      expect(await scratch.storedMessages(taskId)).toEqual([]);
    });

    function race<T>(each: (own: DriverMessages, racer: number, driver: TaskDriver) => Promise<T>): Promise<T[]> {
      return Promise.all(
        Array.from({ length: RACERS }, async (_, racer) => {
          const driver = drivers[racer % drivers.length] ?? scratch.driver;
          return each(messagesOf(driver), racer, driver);
        }),
      );
    }

    async function textsIn(taskId: string): Promise<readonly string[]> {
      return textsOf(await messages.take(takeFrom(taskId, { limit: null })));
    }
  });
}

function message(text: string): MessagePush["message"] {
  return { messageId: text, text };
}

function textsOf(answer: TakeAnswer): readonly string[] {
  return answer.kind === "taken" ? answer.messages.map(({ text }) => text) : [answer.kind];
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function messagesOf(driver: TaskDriver): DriverMessages {
  if (driver.messages === undefined) throw new Error("the driver keeps messages");
  return driver.messages;
}
