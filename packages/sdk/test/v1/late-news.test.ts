/** What a watcher hears too late, because a server read it before and got round to it after. */
import type { ScopedTaskStore } from "@mcp-task-store/core";
import { CreateTaskResultSchema, ResultSchema } from "@modelcontextprotocol/sdk/types.js";
import type { EventStore } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { pollUntil } from "@mcp-task-store/services";
import { describe, expect, it } from "vitest";
import { defineTaskTool } from "../../src/index.ts";
import { TasksSupport } from "../../src/v1/index.ts";
import { ended, twoStores, until, withFaults } from "../two-stores.ts";
import { serveHttp } from "./http-server.ts";
import { connectHttp, rpcErrorOf } from "./test-client.ts";
import { gate } from "./test-tools.ts";

describe("progress that was read before the end", () => {
  it.each(["tasks/get", "tasks/result", "tasks/list", "tasks/cancel"])(
    "is not sent after %s has told of the end (S-49)",
    async (method) => {
      await using stores = twoStores();
      const [reported, done] = [gate(), gate()];
      const tool = defineTaskTool({
        name: "report",
        run: async (_args, { reportProgress }) => {
          await reportProgress({ progress: 1, total: 2 });
          await done.passed;
          return { content: [] };
        },
      });
      let reads = 0;
      const scoped = (principal: string | null): ScopedTaskStore => {
        const view = stores.a.scoped(principal);
        const waitForUpdate: ScopedTaskStore["waitForUpdate"] = async (taskId, { since }) => {
          // Whoever is told to stop waiting has it in hand already.
          const task = await view.waitForUpdate(taskId, { since });
          if (task?.status === "working" && task.statusMessage !== undefined) {
            reads += 1;
            await reported.passed;
          }
          return task;
        };
        return { ...view, principal: view.principal, waitForUpdate };
      };
      const tasks = new TasksSupport(withFaults(stores.a, { scoped }), { tools: [tool] });
      await using server = await serveHttp({ prepare: (mcp) => tasks.attach(mcp) });
      await using alice = await connectHttp(server.url, { user: "alice" });
      const params = { name: "report", task: {}, _meta: { progressToken: "p" } };
      const { task } = await alice.client.request({ method: "tools/call", params }, CreateTaskResultSchema);
      const { taskId } = task;
      await until(stores.b, taskId, ({ statusMessage }) => statusMessage !== undefined);
      await pollUntil(() => reads > 0, { what: "the server to have read it" });
      done.open();
      await ended(stores.b, taskId);
      const request = alice.client.request({ method, params: method === "tasks/list" ? {} : { taskId } }, ResultSchema);
      if (method === "tasks/cancel") expect(await rpcErrorOf(request)).toMatchObject({ code: -32_602 });
      else await request;
      reported.open();
      // Comes on the stream that the late news would come on, and after it.
      const hasEnded = (): boolean =>
        alice.received.some((message) => "method" in message && message.params?.["status"] === "completed");
      await pollUntil(hasEnded, { what: "the end to be told" });
      const heard = alice.received.flatMap((message) => ("method" in message ? [message] : []));
      expect(heard).toMatchObject([{ method: "notifications/tasks/status", params: { status: "completed" } }]);
    },
  );
});

it("progress that is on its way when the task ends goes out before the end (S-49)", async () => {
  await using stores = twoStores();
  const [sent, done, ending] = [gate(), gate(), gate()];
  const tool = defineTaskTool({
    name: "report",
    run: async (_args, { reportProgress }) => {
      await reportProgress({ progress: 1, total: 2 });
      await done.passed;
      return { content: [] };
    },
  });
  let events = 0;
  let isHeld = false;
  const eventStore: EventStore = {
    storeEvent: async (_stream, message) => {
      if ("method" in message && message.method === "notifications/progress") {
        isHeld = true;
        await sent.passed;
      }
      events += 1;
      return String(events);
    },
    replayEventsAfter: async (id) => id,
  };
  const scoped = (principal: string | null): ScopedTaskStore => {
    const view = stores.a.scoped(principal);
    const getTask: ScopedTaskStore["getTask"] = async (taskId) => {
      const task = await view.getTask(taskId);
      if (task?.status === "completed") ending.open();
      return task;
    };
    return { ...view, principal: view.principal, getTask };
  };
  const tasks = new TasksSupport(withFaults(stores.a, { scoped }), { tools: [tool] });
  await using server = await serveHttp({ eventStore, prepare: (mcp) => tasks.attach(mcp) });
  await using alice = await connectHttp(server.url, { user: "alice" });
  const params = { name: "report", task: {}, _meta: { progressToken: "p" } };
  const { task } = await alice.client.request({ method: "tools/call", params }, CreateTaskResultSchema);
  const { taskId } = task;
  await pollUntil(() => isHeld, { what: "progress to be on its way" });
  done.open();
  await ended(stores.b, taskId);
  const got = alice.client.request({ method: "tasks/get", params: { taskId } }, ResultSchema);
  await ending.passed;
  sent.open();
  expect(await got).toMatchObject({ status: "completed" });
  const heard = (): unknown[] =>
    alice.received.flatMap((m) => ("method" in m ? [m.params?.["status"] ?? m.method] : []));
  await pollUntil(() => heard().includes("completed"), { what: "the end to be told" });
  await alice.client.ping();
  expect(heard()).toEqual(["notifications/progress", "completed"]);
});
