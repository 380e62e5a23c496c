/** What a push, a shift and a drain say when the connection breaks around them: never twice, never lost, never guessed. */
import { describe, expect, it } from "vitest";
import type { TcpProxy } from "../../src/wire/tcp-proxy.ts";
import type { QueuedMessage, TaskStore } from "@mcp-task-store/core";
import { newId } from "../../src/driver-model/sample-tasks.ts";
import { type BreakableServer, onBreakingConnections, settled } from "./breakable.ts";

const SHORT = { timeoutMs: 300 } as const;

interface Scene {
  readonly store: TaskStore;
  readonly taskId: string;
  /** Stands in the call's request and in no other. */
  readonly mark: string;
}

interface Operation {
  readonly name: string;
  readonly call: (scene: Scene, options?: { readonly timeoutMs: number }) => Promise<unknown>;
  readonly answer: unknown;
  /** Which messages wait once it took effect, of m0 and m1 before. */
  readonly left: readonly string[];
}

const note = (text: string): QueuedMessage => ({ type: "notification", message: { text }, timestamp: 0 });
const waiting = ["m0", "m1"] as const;

const OPERATIONS: readonly Operation[] = [
  {
    name: "push",
    call: ({ store, taskId, mark }, options) =>
      store.messages.push(taskId, note("mine"), { messageId: mark, maxSize: 3, ...options }),
    answer: undefined,
    left: ["m0", "m1", "mine"],
  },
  {
    name: "shift",
    call: ({ store, taskId, mark }, options) => store.messages.shift(taskId, { receipt: mark, ...options }),
    answer: note("m0"),
    left: ["m1"],
  },
  {
    name: "drain",
    call: ({ store, taskId, mark }, options) => store.messages.drain(taskId, { receipt: mark, ...options }),
    answer: waiting.map(note),
    left: [],
  },
];

export function describeLostMessages(open: () => Promise<BreakableServer>): void {
  describe("messages whose connection breaks", () => {
    let server: BreakableServer;
    /** Somebody else, whose connections hold. */
    let other: TaskStore;
    let proxy: TcpProxy;
    let store: TaskStore;

    onBreakingConnections(open, (connection) => {
      ({ server, other, proxy, store } = connection);
    });

    async function scene(texts: readonly string[] = waiting): Promise<Scene> {
      const { taskId } = await other.createTask();
      for (const text of texts) await other.messages.push(taskId, note(text), { messageId: text });
      return { store, taskId, mark: newId("mark") };
    }

    async function textsLeft(taskId: string): Promise<readonly unknown[]> {
      return (await other.messages.drain(taskId)).map(({ message }) => message["text"]);
    }

    describe.each(OPERATIONS)("$name", ({ call, answer, left }) => {
      it("is fulfilled, once, when its answer is lost after the commit", async () => {
        const it = await scene();
        const answers = proxy.holdAnswers({ whenRequestIncludes: it.mark });
        const ending = settled(call(it));
        await answers.arrived;
        proxy.cut();
        proxy.heal();
        expect(await ending).toEqual({ value: answer });
        expect(await settled(call(it))).toEqual({ value: answer });
        expect(await textsLeft(it.taskId)).toEqual(left);
      });

      it("is repeated when it is cut off before the commit", async () => {
        const it = await scene();
        const writes = await server.hold();
        const ending = settled(call(it));
        await writes.untilWaiting();
        await writes.lose();
        await writes.release();
        expect(await ending).toEqual({ value: answer });
        expect(await textsLeft(it.taskId)).toEqual(left);
      });

      it("certainly did nothing when there is no server", async () => {
        const it = await scene();
        proxy.cut();
        // A connection that was open before would have to be tried to be found broken.
        const hasty = server.openStore(SHORT.timeoutMs, proxy);
        const ending = await settled(call({ ...it, store: hasty }));
        expect(ending).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
        await hasty.close();
        expect(await textsLeft(it.taskId)).toEqual(waiting);
      });

      it("is unknown when the server falls silent, and never lands after its time", async () => {
        const it = await scene();
        proxy.freeze();
        expect(await settled(call(it, SHORT))).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
        // Now the server gets it, after its deadline.
        proxy.heal();
        await server.untilCaughtUp(store, proxy);
        expect(await textsLeft(it.taskId)).toEqual(waiting);
      });

      it("is unknown when the task is gone since its answer was lost", async () => {
        const it = await scene();
        const answers = proxy.holdAnswers({ whenRequestIncludes: it.mark });
        const ending = settled(call(it));
        await answers.arrived;
        proxy.cut();
        await other.deleteTask(it.taskId);
        proxy.heal();
        expect(await ending).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
      });
    });

    it("a push whose answer was lost is known although the task has ended since", async () => {
      const it = await scene([]);
      const answers = proxy.holdAnswers({ whenRequestIncludes: it.mark });
      const ending = settled(store.messages.push(it.taskId, note("mine"), { messageId: it.mark }));
      await answers.arrived;
      proxy.cut();
      await other.cancelTask(it.taskId);
      proxy.heal();
      expect(await ending).toEqual({ value: undefined });
      expect(await textsLeft(it.taskId)).toEqual(["mine"]);
    });

    it("a shift that found nothing and lost its answer says so once no attempt can land any more", async () => {
      const it = await scene([]);
      const answers = proxy.holdAnswers({ whenRequestIncludes: it.mark });
      const ending = settled(store.messages.shift(it.taskId, { receipt: it.mark }));
      await answers.arrived;
      proxy.cut();
      proxy.heal();
      expect(await ending).toEqual({ value: undefined });
      await other.messages.push(it.taskId, note("next"), { messageId: "next" });
      expect(await textsLeft(it.taskId)).toEqual(["next"]);
    });

    it("a shift that lost its answer does not say that nothing waited while it cannot know", async () => {
      const it = await scene([]);
      const answers = proxy.holdAnswers({ whenRequestIncludes: it.mark });
      const ending = settled(store.messages.shift(it.taskId, { receipt: it.mark, timeoutMs: 300 }));
      await answers.arrived;
      proxy.cut();
      expect(await ending).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
      proxy.heal();
      await other.messages.push(it.taskId, note("next"), { messageId: "next" });
      expect(await store.messages.shift(it.taskId, { receipt: it.mark })).toEqual(note("next"));
    });
  });
}
