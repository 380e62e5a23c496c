/**
 * What a caller of the store is told when the connection breaks around a write: after its commit, before it, or with no
 * server at all. A proxy breaks it at exactly that point; nothing here waits for a time to pass.
 */
import { describe, expect, it } from "vitest";
import type { TcpProxy } from "../../src/wire/tcp-proxy.ts";
import type { TaskRecord, TaskStore } from "@mcp-task-store/core";
import { newId } from "../../src/driver-model/sample-tasks.ts";
import { type BreakableServer, onBreakingConnections, settled } from "./breakable.ts";

const DONE = { status: "completed", result: { words: 42 } } as const;
const QUESTION = { name: { method: "elicitation/create" } };
const SHORT = { timeoutMs: 300 } as const;
/** Between the two. */
const BOUND_MS = 10_000;

interface Scene {
  /** The store whose connections break. */
  readonly store: TaskStore;
  readonly taskId: string;
  /** Stands in the write's request and in no other. */
  readonly mark: string;
  /** Fencing token of the task's lease, where it has one. */
  readonly token: number;
}

interface Operation {
  readonly name: string;
  /** How the task is before: not there, open, leased or with an open question. */
  readonly before: "absent" | "open" | "leased" | "asking";
  readonly call: (scene: Scene) => Promise<unknown>;
  /** Its write carries no text of the caller's; it is its only statement, so that the task's id marks it. */
  readonly textless?: boolean;
  /** What the row shows once the write has taken effect. */
  readonly effect: (scene: Scene) => Partial<TaskRecord>;
  /** What the call answers then. */
  readonly answer?: (scene: Scene) => object;
  /** How the call ends when it never took effect and somebody cancelled the task meanwhile. @default TASK_TERMINAL */
  readonly overtaken?: object;
}

const OPERATIONS: readonly Operation[] = [
  {
    name: "create",
    before: "absent",
    call: ({ store, taskId, mark }) => store.createTask({ taskId, statusMessage: mark }),
    effect: ({ mark }) => ({ status: "working", statusMessage: mark, attempts: 0 }),
    // It may have landed and been deleted before the other one took the id.
    overtaken: { code: "WRITE_OUTCOME_UNKNOWN" },
  },
  {
    name: "report",
    before: "open",
    call: ({ store, taskId, mark }) => store.updateTask(taskId, { statusMessage: mark }),
    effect: ({ mark }) => ({ status: "working", statusMessage: mark }),
  },
  {
    name: "finish",
    before: "leased",
    call: ({ store, taskId, mark, token }) => store.finishTask(taskId, { ...DONE, result: { mark } }, { lease: token }),
    effect: ({ mark }) => ({ status: "completed", outcome: JSON.stringify({ result: { mark } }), lease: null }),
  },
  {
    name: "cancel",
    before: "leased",
    call: ({ store, taskId, mark }) => store.cancelTask(taskId, { statusMessage: mark }),
    effect: ({ mark }) => ({ status: "cancelled", statusMessage: mark, lease: null }),
  },
  {
    name: "request a cancel",
    before: "leased",
    textless: true,
    call: ({ store, taskId }) => store.requestCancellation(taskId),
    effect: () => ({ status: "working", cancelRequestedAt: expect.any(Number) }),
    // It is over, which is all that was wanted.
    overtaken: { value: { status: "cancelled" } },
  },
  {
    name: "ask",
    before: "open",
    call: ({ store, taskId, mark }) => store.requestInputs(taskId, { [mark]: { method: "elicitation/create" } }),
    effect: ({ mark }) => ({ status: "input_required", inputs: expect.stringContaining(mark) }),
  },
  {
    name: "answer",
    before: "asking",
    call: ({ store, taskId, mark }) => store.answerInputs(taskId, { name: { action: mark } }),
    effect: ({ mark }) => ({ status: "working", inputs: expect.stringContaining(mark) }),
  },
  {
    name: "acquire",
    before: "open",
    call: ({ store, taskId, mark }) => store.acquireLease(taskId, { holder: mark }),
    effect: ({ mark }) => ({ attempts: 1, lease: expect.objectContaining({ holder: mark }) }),
    answer: ({ mark }) => ({ holder: mark, task: { attempts: 1 } }),
    // Nobody's to take any more.
    overtaken: { value: undefined },
  },
  {
    name: "release",
    before: "leased",
    textless: true,
    call: ({ store, taskId, token }) => store.releaseLease(taskId, token),
    effect: () => ({ status: "working", attempts: 0, lease: null }),
  },
];

export function describeLostAnswers(open: () => Promise<BreakableServer>): void {
  describe("a write whose connection breaks", () => {
    let server: BreakableServer;
    /** Somebody else, whose connections hold. */
    let other: TaskStore;
    let proxy: TcpProxy;
    let store: TaskStore;

    onBreakingConnections(open, (connection) => {
      ({ server, other, proxy, store } = connection);
    });

    async function sceneBefore({ before, textless = false }: Operation): Promise<Scene> {
      const taskId = newId("task");
      let token = 0;
      if (before !== "absent") await other.createTask({ taskId });
      if (before === "asking") await other.requestInputs(taskId, QUESTION);
      if (before === "leased") token = (await other.acquireLease(taskId, { holder: "worker" }))?.token ?? 0;
      return { store, taskId, token, mark: textless ? taskId : newId("mark") };
    }

    describe.each(OPERATIONS)("$name", (operation) => {
      it("is fulfilled, once, when its answer is lost after the commit", async () => {
        const scene = await sceneBefore(operation);
        const answers = proxy.holdAnswers({ whenRequestIncludes: scene.mark });
        const ending = settled(operation.call(scene));
        await answers.arrived;
        proxy.cut();
        const landed = await server.stored(scene.taskId);
        expect(landed).toMatchObject(operation.effect(scene));
        proxy.heal();
        expect(await ending).toMatchObject({
          value: operation.answer?.(scene) ?? { taskId: scene.taskId, revision: landed?.revision },
        });
        // The repeat changed nothing: not the revision, not the ring, no instant.
        expect(await server.stored(scene.taskId)).toEqual(landed);
      });

      it("tells who came first when it is cut off before the commit", async () => {
        const scene = await sceneBefore(operation);
        const writes = await server.hold();
        const ending = settled(operation.call(scene));
        await writes.untilWaiting();
        proxy.cut();
        await writes.lose();
        await writes.release();
        if (operation.before === "absent") await other.createTask({ taskId: scene.taskId });
        const { revision } = await other.cancelTask(scene.taskId, { statusMessage: "by somebody else" });
        proxy.heal();
        const { taskId } = scene;
        const overtaken = { code: "TASK_TERMINAL", task: { taskId, status: "cancelled", revision } };
        expect(await ending).toMatchObject(operation.overtaken ?? overtaken);
        expect(await server.stored(taskId)).toMatchObject({
          status: "cancelled",
          statusMessage: "by somebody else",
          revision,
          outcome: null,
        });
      });

      it("is repeated when it is cut off before the commit and nobody came first", async () => {
        const scene = await sceneBefore(operation);
        const writes = await server.hold();
        const ending = settled(operation.call(scene));
        await writes.untilWaiting();
        await writes.lose();
        await writes.release();
        expect(await ending).toMatchObject({ value: operation.answer?.(scene) ?? { taskId: scene.taskId } });
        expect(await server.stored(scene.taskId)).toMatchObject(operation.effect(scene));
      });

      it("was certainly not made when there is no server", async () => {
        const scene = await sceneBefore(operation);
        const before = await server.stored(scene.taskId);
        proxy.cut();
        const hasty = server.openStore(SHORT.timeoutMs, proxy);
        const startMs = performance.now();
        expect(await settled(operation.call({ ...scene, store: hasty }))).toMatchObject({
          code: "STORE_UNAVAILABLE",
          retryable: true,
        });
        expect(performance.now() - startMs).toBeLessThan(BOUND_MS);
        await hasty.close();
        expect(await server.stored(scene.taskId)).toEqual(before);
      });
    });

    it("does not know whether it deleted: there is no row left to ask", async () => {
      const { taskId } = await other.createTask();
      const answers = proxy.holdAnswers({ whenRequestIncludes: taskId });
      const ending = settled(store.deleteTask(taskId));
      await answers.arrived;
      proxy.cut();
      proxy.heal();
      expect(await ending).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN", retryable: false });
      expect(await server.stored(taskId)).toBeUndefined();
    });

    it("says that it does not know when the server falls silent, and never lands after that", async () => {
      const { taskId, revision } = await other.createTask();
      proxy.freeze();
      const startMs = performance.now();
      expect(await settled(store.finishTask(taskId, DONE, SHORT))).toMatchObject({ code: "WRITE_OUTCOME_UNKNOWN" });
      expect(performance.now() - startMs).toBeLessThan(BOUND_MS);
      // Now the server gets it, after its deadline.
      proxy.heal();
      await server.untilCaughtUp(store, proxy);
      expect(await other.getTask(taskId)).toMatchObject({ status: "working", revision });
    });

    it.each<readonly [name: string, read: (taskId: string) => Promise<unknown>]>([
      ["read", (taskId) => store.getTask(taskId, SHORT)],
      ["look for an outcome", (taskId) => store.getOutcome(taskId, SHORT)],
      ["list", () => store.listTasks({}, SHORT)],
      ["round of maintenance", () => store.maintain(SHORT)],
    ])("is not what a %s has: it is unavailable without a server, or with one that is silent", async (_, read) => {
      const { taskId } = await other.createTask();
      for (const breakIt of [() => proxy.cut(), () => proxy.freeze()]) {
        breakIt();
        const startMs = performance.now();
        expect(await settled(read(taskId))).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
        expect(performance.now() - startMs).toBeLessThan(BOUND_MS);
        proxy.heal();
        expect(await settled(store.getTask(taskId))).toMatchObject({ value: { taskId } });
      }
    });
  });
}
