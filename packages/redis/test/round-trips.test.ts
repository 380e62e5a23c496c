/** What each call of a store costs, counted by the server: a call is slow in proportion to its round trips. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTaskStoreError, type Task, type TaskStore } from "@mcp-task-store/core";
import { pollUntil, redisIsLeftOut } from "@mcp-task-store/services";
import { type Call, DONE, ONE, scene, TWO, UNKNOWN } from "../../../conformance/test/adapter-tests/call-costs.ts";
import { createRedisTaskStore } from "../src/index.ts";
import { type CommandLog, commandLog } from "./command-log.ts";

const isHint = (name: string): boolean => name === "publish";
/** Every half a minute: is the connection for hints still there? */
const isCheck = (name: string): boolean => name === "ping";
const isOfCall = (name: string): boolean => !isHint(name) && !isCheck(name);

describe.skipIf(redisIsLeftOut())("round trips", () => {
  let log: CommandLog;
  beforeAll(async () => {
    log = await commandLog();
  });
  afterAll(() => log[Symbol.asyncDispose]());

  describe.each(["pubsub", "poll"] as const)("with hints by %s", (hints) => {
    let store: TaskStore;
    const connections = hints === "pubsub" ? 2 : 1;

    beforeAll(async () => {
      // What maintenance sends is no call's.
      store = createRedisTaskStore({
        connectionString: log.url,
        keyPrefix: `${hints}:`,
        hints,
        maintenance: false,
        onWarning: () => {},
      });
      await store.setup();
      const { taskId, revision } = await store.createTask();
      await store.waitForUpdate(taskId, { since: revision, timeoutMs: 1 });
      await pollUntil(async () => (await log.connections()) === connections, { what: `${connections} connections` });
    });
    afterAll(async () => {
      await store.close();
      await pollUntil(async () => (await log.connections()) === 0, { what: "the connections to end" });
    });

    it.each(ONE)("one: %s", async (_, call, refusal) => {
      expect(await sentBy(call, refusal)).toEqual(["evalsha"]);
    });

    it.each(TWO)("two: %s", async (_, call, refusal) => {
      expect(await sentBy(call, refusal)).toEqual(["evalsha", "evalsha"]);
    });

    it("one: a round of maintenance over all shards", async () => {
      expect(await sentBy(({ store: own }) => own.maintain())).toEqual(["evalsha"]);
    });

    it("none: what is wrong with the arguments is found out before", async () => {
      const wrong: Call = ({ open }) => store.updateTask(open.taskId, { ttlMs: -1 });
      expect(await sentBy(wrong, "INVALID_ARGUMENT")).toEqual([]);
    });

    it("one more, once, after the server has forgotten the scripts", async () => {
      const { taskId } = await store.createTask();
      await log.control.script("FLUSH");
      const report = (): Promise<Task> => store.updateTask(taskId, { statusMessage: "still here" });
      const sent = async (): Promise<readonly string[]> => (await log.during(report)).filter(isOfCall);
      expect(await sent()).toEqual(["evalsha", "eval"]);
      expect(await sent()).toEqual(["evalsha"]);
      await store.setup();
    });

    it("few: hints of many writes, none where waiters poll", async () => {
      const tasks = await manyTasks(300);
      const commands = await log.during(() =>
        Promise.all(tasks.map(({ taskId }) => store.updateTask(taskId, { statusMessage: "half" }))),
      );
      expect(commands.filter(isOfCall)).toHaveLength(tasks.length);
      const sent = commands.filter(isHint).length;
      if (hints === "poll") expect(sent).toBe(0);
      // They are published one after the other, each with all that gathered meanwhile.
      else expect(sent).toBeLessThan(tasks.length / 10);
    });

    it("few: reads of 500 waiters, who take no connection", async () => {
      const tasks = await manyTasks(500);
      const commands = await log.during(async () => {
        const waits = tasks.map(({ taskId, revision }) => store.waitForUpdate(taskId, { since: revision }));
        await store.getTask(UNKNOWN);
        await Promise.all(tasks.map(({ taskId }) => store.finishTask(taskId, DONE)));
        const woken = await Promise.all(waits);
        expect(woken.map((task) => task?.status)).toEqual(tasks.map(() => "completed"));
        expect(await log.connections()).toBe(connections);
      });
      const reads = commands.filter((name) => name === "evalsha").length - tasks.length - 1;
      expect(reads).toBeGreaterThan(0);
      expect(reads).toBeLessThan(tasks.length / 5);
    });

    function manyTasks(count: number): Promise<readonly Task[]> {
      return Promise.all(Array.from({ length: count }, () => store.createTask()));
    }

    /** What one call sends, hints left out: they are sent after it was answered. */
    async function sentBy(call: Call, refusal?: string): Promise<readonly string[]> {
      const stage = await scene(store);
      let code: string | undefined;
      const commands = await log.during(async () => {
        try {
          await call(stage);
        } catch (error) {
          if (!isTaskStoreError(error)) throw error;
          code = error.code;
        }
      });
      expect(code).toBe(refusal);
      return commands.filter(isOfCall);
    }
  });
});
