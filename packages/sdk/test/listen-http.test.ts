import type { JsonObject, TaskStore } from "@mcp-task-store/core";
import { pollUntil, postgresIsLeftOut } from "@mcp-task-store/services";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listenAt, type Listening } from "./listen-client.ts";
import { listenServer, type ListenServer, type ListenServerOptions } from "./listen-server.ts";
import { type SharedBackend, sharedBackend } from "./listen-stores.ts";
import { at, closing, subscriptionOf } from "./listen-wire.ts";

const RESULT = { content: [{ type: "text", text: "done" }] };

for (const kind of ["memory", "postgres"] as const) {
  describe.skipIf(kind === "postgres" && postgresIsLeftOut())(`subscriptions/listen over HTTP on ${kind}`, () => {
    let backend: SharedBackend;
    /** The server's, and that of another process. */
    let store: TaskStore;
    let elsewhere: TaskStore;
    const servers: ListenServer[] = [];
    beforeEach(async () => {
      backend = await sharedBackend(kind);
      store = backend.open();
      elsewhere = backend.open();
    });
    afterEach(async () => {
      for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    });

    async function serve(options?: ListenServerOptions): Promise<ListenServer> {
      const server = await listenServer(store, options);
      servers.push(server);
      return server;
    }

    async function acknowledged(stream: Listening): Promise<JsonObject> {
      const first = await stream.next();
      expect(first?.["method"]).toBe("notifications/subscriptions/acknowledged");
      return at(first, "params", "notifications");
    }

    it("acknowledges first, then says what is, then every change of another process, then ends", async () => {
      const { url, subscriptions } = await serve();
      const { taskId } = await elsewhere.createTask({ statusMessage: "new" });
      const stream = await listenAt(url, { id: "sub-1", notifications: { taskIds: [taskId] } });
      expect(stream.response.status).toBe(200);
      expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
      expect(await acknowledged(stream)).toEqual({ taskIds: [taskId] });
      const present = await stream.next();
      expect(present).toMatchObject({ method: "notifications/tasks", params: { taskId, status: "working" } });
      expect(subscriptionOf(present ?? {})).toBe("sub-1");
      expect(at(present, "params")).toMatchObject({ statusMessage: "new", ttlMs: expect.anything() });

      await elsewhere.updateTask(taskId, { statusMessage: "half" });
      await stream.until((message) => at(message, "params")["statusMessage"] === "half");
      await elsewhere.requestInputs(taskId, { ask: { method: "elicitation/create", params: { message: "?" } } });
      const [asked] = await stream.until((message) => at(message, "params")["status"] === "input_required");
      expect(at(asked, "params", "inputRequests", "ask")["method"]).toBe("elicitation/create");
      await elsewhere.answerInputs(taskId, { ask: { action: "decline" } });
      await elsewhere.finishTask(taskId, { status: "completed", result: RESULT });
      const rest = await stream.rest();
      const last = rest.at(-2);
      expect(at(last, "params")).toMatchObject({ status: "completed", result: { ...RESULT, resultType: "complete" } });
      expect(rest.at(-1)).toEqual(closing("sub-1"));
      expect(rest.map(subscriptionOf)).toEqual(rest.map(() => "sub-1"));
      expect(subscriptions.size).toBe(0);
    });

    it("a change between the look and the ack is not lost, and nothing older comes after it", async () => {
      // The subscriber is granted, and the task ends before anything of the answer is read.
      const { taskId } = await elsewhere.createTask();
      let change: (() => Promise<unknown>) | undefined = () =>
        elsewhere.finishTask(taskId, { status: "failed", error: { code: -32050, message: "no", data: { a: 1 } } });
      const view = store.scoped(null);
      const { url } = await serve({
        keepAliveMs: 0,
        principal: () => null,
      });
      const racing = await listenServer(
        {
          scoped: () => ({
            ...view,
            async waitForUpdate(id, options) {
              const task = await view.waitForUpdate(id, options);
              await change?.();
              change = undefined;
              return task;
            },
          }),
        },
        { principal: () => null },
      );
      servers.push(racing);
      const stream = await listenAt(racing.url, { notifications: { taskIds: [taskId] } });
      expect(await acknowledged(stream)).toEqual({ taskIds: [taskId] });
      const rest = await stream.rest();
      expect(rest).toHaveLength(2);
      expect(at(rest[0], "params")).toMatchObject({
        status: "failed",
        error: { code: -32050, message: "no", data: { a: 1 } },
      });
      // A task that was over before anybody listened is told, too.
      const late = await listenAt(url, { notifications: { taskIds: [taskId] } });
      expect((await late.rest()).map((message) => message["method"] ?? "result")).toEqual([
        "notifications/subscriptions/acknowledged",
        "notifications/tasks",
        "result",
      ]);
    });

    it("leaves out of the ack what is not the caller's, and tells nobody else's changes", async () => {
      const { url } = await serve();
      const mine = await elsewhere.createTask({ principal: "me" });
      const yours = await elsewhere.createTask({ principal: "you" });
      const unowned = await elsewhere.createTask();
      const gone = await elsewhere.createTask({ principal: "me" });
      await elsewhere.deleteTask(gone.taskId);
      const odd = ["", "x".repeat(10_000), "a\u0000b", "never-was"];
      const taskIds = [yours.taskId, mine.taskId, ...odd, mine.taskId, gone.taskId, unowned.taskId];
      const stream = await listenAt(url, { token: "me", notifications: { taskIds } });
      expect(await acknowledged(stream)).toEqual({ taskIds: [mine.taskId] });
      const other = await listenAt(url, { token: "you", notifications: { taskIds } });
      expect(await acknowledged(other)).toEqual({ taskIds: [yours.taskId] });
      const nobody = await listenAt(url, { notifications: { taskIds } });
      expect(await acknowledged(nobody)).toEqual({ taskIds: [unowned.taskId] });
      await elsewhere.finishTask(yours.taskId, { status: "completed", result: RESULT });
      await elsewhere.finishTask(unowned.taskId, { status: "completed", result: RESULT });
      await elsewhere.finishTask(mine.taskId, { status: "completed", result: RESULT });
      const all = [stream, other, nobody].map(async (each) => await each.rest());
      const told = (await Promise.all(all)).map(
        (rest) => new Set(rest.slice(0, -1).map((m) => at(m, "params")["taskId"])),
      );
      expect(told).toEqual([new Set([mine.taskId]), new Set([yours.taskId]), new Set([unowned.taskId])]);
    });

    it("with no task of the caller's, the ack is empty and the stream ends, whatever the ids were", async () => {
      const { url, subscriptions } = await serve();
      const { taskId } = await elsewhere.createTask({ principal: "you" });
      const answers = await Promise.all(
        [[taskId], ["never-was"], []].map(async (taskIds) => {
          const stream = await listenAt(url, { token: "me", notifications: { taskIds } });
          return await stream.rest();
        }),
      );
      expect(answers[0]?.map((message) => message["method"])).toEqual([
        "notifications/subscriptions/acknowledged",
        undefined,
      ]);
      expect(at(answers[0]?.[0], "params", "notifications")).toEqual({ taskIds: [] });
      expect(answers[0]?.[1]).toEqual(closing(1));
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
      expect(subscriptions.size).toBe(0);
    });

    it("a task that is deleted or expires just ends; the others go on", async () => {
      const { url } = await serve();
      const short = await elsewhere.createTask();
      const doomed = await elsewhere.createTask();
      const kept = await elsewhere.createTask();
      const taskIds = [short.taskId, doomed.taskId, kept.taskId];
      const stream = await listenAt(url, { notifications: { taskIds } });
      expect(await acknowledged(stream)).toEqual({ taskIds });
      await elsewhere.deleteTask(doomed.taskId);
      await elsewhere.updateTask(short.taskId, { ttlMs: 1 });
      await pollUntil(async () => (await elsewhere.getTask(short.taskId)) === undefined, { what: "the task's expiry" });
      const both = await listenAt(url, { id: 2, notifications: { taskIds: [short.taskId, doomed.taskId] } });
      expect(await acknowledged(both)).toEqual({ taskIds: [] });
      await elsewhere.cancelTask(kept.taskId);
      const rest = await stream.rest();
      expect(at(rest.at(-2), "params")).toMatchObject({ taskId: kept.taskId, status: "cancelled" });
      expect(rest.at(-1)).toEqual(closing(1));
    });

    it("a task that expires while nothing else happens ends the stream", async () => {
      const { url } = await serve();
      const { taskId } = await elsewhere.createTask();
      const stream = await listenAt(url, { notifications: { taskIds: [taskId] } });
      expect(await acknowledged(stream)).toEqual({ taskIds: [taskId] });
      await stream.next();
      await elsewhere.updateTask(taskId, { ttlMs: 200 });
      expect((await stream.rest()).at(-1)).toEqual(closing(1));
    });

    it("other kinds go on beside the tasks and after them", async () => {
      const { url, handler, subscriptions } = await serve();
      const { taskId } = await elsewhere.createTask();
      const stream = await listenAt(url, {
        id: 7,
        notifications: { taskIds: [taskId], toolsListChanged: true, promptsListChanged: true },
      });
      expect(await acknowledged(stream)).toEqual({ toolsListChanged: true, taskIds: [taskId] });
      await stream.until((message) => message["method"] === "notifications/tasks");
      handler.notify.toolsChanged();
      handler.notify.promptsChanged();
      const [changed] = await stream.until((message) => message["method"] !== "notifications/tasks");
      expect(changed).toMatchObject({ method: "notifications/tools/list_changed" });
      await elsewhere.finishTask(taskId, { status: "completed", result: RESULT });
      await stream.until((message) => at(message, "params")["status"] === "completed");
      await pollUntil(() => subscriptions.size === 0, { what: "the slot for the tasks" });
      handler.notify.toolsChanged();
      const [again] = await stream.until(() => true);
      expect(again).toMatchObject({ method: "notifications/tools/list_changed" });
      expect(subscriptionOf(again ?? {})).toBe(7);
      await handler.close();
      expect(await stream.rest()).toEqual([closing(7)]);
    });

    it("abort frees the slot at once, on the SDK's side as well", async () => {
      const { url, subscriptions, handler } = await serve({ maxSubscriptions: 1, handler: { maxSubscriptions: 1 } });
      const { taskId } = await elsewhere.createTask();
      const notifications = { taskIds: [taskId], toolsListChanged: true };
      for (let round = 0; round < 3; round += 1) {
        const stream = await listenAt(url, { notifications });
        await acknowledged(stream);
        expect(subscriptions.size).toBe(1);
        stream.abort();
        await pollUntil(() => subscriptions.size === 0, { what: "the slot" });
        handler.notify.toolsChanged();
      }
    });

    it("close() ends every stream with its result, and grants none any more", async () => {
      const { url, subscriptions } = await serve({ handler: { maxSubscriptions: 1 } });
      const { taskId } = await elsewhere.createTask();
      const streams = await Promise.all(
        [{}, { toolsListChanged: true }].map(async (others, id) => {
          return await listenAt(url, { id, notifications: { taskIds: [taskId], ...others } });
        }),
      );
      for (const stream of streams) {
        await acknowledged(stream);
        await stream.next();
      }
      subscriptions.close();
      expect(subscriptions.size).toBe(0);
      expect(await streams[0]?.rest()).toEqual([closing(0)]);
      expect(await streams[1]?.rest()).toEqual([closing(1)]);
      const refused = await listenAt(url, { notifications: { taskIds: [taskId] } });
      expect(at(await refused.json(), "error")["code"]).toBe(-32603);
      // The SDK has its only slot back, from the stream that was closed and from the refused one.
      const mixed = await listenAt(url, { notifications: { taskIds: [taskId], toolsListChanged: true } });
      expect(at(await mixed.json(), "error")["message"]).not.toContain("limit");
      const plain = await listenAt(url, { notifications: { toolsListChanged: true } });
      expect(await acknowledged(plain)).toEqual({ toolsListChanged: true });
    });

    it("a task that is deleted between its end and the look at its outcome just ends", async () => {
      const view = store.scoped(null);
      const late = await listenServer(
        {
          scoped: () => ({
            ...view,
            async waitForOutcome(taskId, options) {
              await elsewhere.deleteTask(taskId);
              return await view.waitForOutcome(taskId, options);
            },
          }),
        },
        { principal: () => null },
      );
      servers.push(late);
      const { taskId } = await elsewhere.createTask();
      const stream = await listenAt(late.url, { notifications: { taskIds: [taskId] } });
      await acknowledged(stream);
      await stream.next();
      await elsewhere.finishTask(taskId, { status: "completed", result: RESULT });
      expect(await stream.rest()).toEqual([closing(1)]);
    });

    it("a store that is closed ends it; one that fails says so", async () => {
      const view = store.scoped(null);
      const failing = await listenServer(
        {
          scoped: () => ({
            ...view,
            waitForOutcome: async () => {
              throw new Error("secret text of a database");
            },
          }),
        },
        { principal: () => null },
      );
      servers.push(failing);
      const { taskId } = await elsewhere.createTask();
      const stream = await listenAt(failing.url, { id: 5, notifications: { taskIds: [taskId] } });
      await acknowledged(stream);
      await elsewhere.finishTask(taskId, { status: "completed", result: RESULT });
      const rest = await stream.rest();
      expect(rest.at(-1)).toMatchObject({ id: 5, error: { code: -32603 } });
      expect(JSON.stringify(rest)).not.toContain("secret");
      expect(failing.errors).toHaveLength(1);
      expect(failing.subscriptions.size).toBe(0);

      const { url } = await serve();
      const open = await elsewhere.createTask();
      const ended = await listenAt(url, { notifications: { taskIds: [open.taskId] } });
      await acknowledged(ended);
      await ended.next();
      await store.close();
      expect(await ended.rest()).toEqual([closing(1)]);
    });
  });
}
