import type { JsonObject } from "@mcp-task-store/core";
import { equalTo, which } from "../../wants.ts";
import { MISSING_CAPABILITY, TASKS_EXTENSION } from "../modern-client.ts";
import { ModernTasks } from "../modern-tasks.ts";
import { defineServerRule, NotOffered, type ServerRule } from "../server-rule.ts";
import { errorCode, resultWith } from "../server-wants.ts";
import { objectIn } from "../wire-message.ts";

/** A client of the older specification: it declares tasks, and not the extension. */
const LEGACY_CAPABILITIES: JsonObject = {
  elicitation: { form: {} },
  tasks: { list: {}, cancel: {}, requests: { elicitation: { create: {} }, sampling: { createMessage: {} } } },
};

export const advertised: ServerRule = defineServerRule({
  id: "x/advertised",
  title: "The extension is advertised, and the older capability is not",
  level: "must",
  generation: "2026-07-28",
  source: ["X-62"],
  needs: [],
  mutants: ["x-unadvertised", "x-advertises-legacy"],
  async act(kit) {
    const { message } = await kit.modern().call("server/discover");
    return objectIn(message?.result, "capabilities");
  },
  judge(expect, capabilities) {
    const extensions = Object.keys(objectIn(capabilities, "extensions"));
    expect(
      "ask server/discover for its extensions",
      extensions,
      which("the tasks extension among them", (names) => names.includes(TASKS_EXTENSION)),
    );
    expect("ask it for capabilities.tasks of the older specification", capabilities["tasks"], equalTo(undefined));
  },
});

export const legacyClient: ServerRule = defineServerRule({
  id: "x/legacy-capability",
  title: "A client that declares only the older tasks declares nothing",
  level: "must",
  generation: "2026-07-28",
  source: ["X-63", "X-02", "X-53"],
  needs: ["slow_compute"],
  mutants: ["x-legacy-counts"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("slow_compute");
    const legacy = { capabilities: LEGACY_CAPABILITIES };
    return {
      call: await tasks.call("slow_compute", {}, legacy),
      get: await tasks.client.call("tasks/get", { taskId }, legacy),
      update: await tasks.client.call("tasks/update", { taskId, inputResponses: {} }, legacy),
      cancel: await tasks.client.call("tasks/cancel", { taskId }, legacy),
    };
  },
  judge(expect, { call, ...methods }) {
    const who = "by a client that declares the older capability only";
    const noTask = which("no task", ({ message }: typeof call) => message?.result?.["taskId"] === undefined);
    expect(`call slow_compute ${who}`, call, noTask);
    for (const [method, answer] of Object.entries(methods)) {
      expect(`tasks/${method} ${who}`, answer, errorCode(MISSING_CAPABILITY));
    }
  },
});

export const olderProtocol: ServerRule = defineServerRule({
  id: "x/older-protocol",
  title: "On 2025-11-25 the extension enables nothing",
  level: "must",
  generation: "2026-07-28",
  source: ["X-64"],
  needs: ["slow_compute"],
  mutants: ["x-extends-older"],
  async act(kit) {
    const capabilities = { elicitation: {}, extensions: { [TASKS_EXTENSION]: {} } };
    const session = await kit.session({ capabilities });
    if (session.hello["protocolVersion"] === undefined) throw new NotOffered("the server does not speak 2025-11-25");
    return session.call("tools/call", kit.tool("slow_compute"));
  },
  judge(expect, called) {
    const plain = resultWith({ content: Array.isArray }, ["taskId", "resultType"], "its plain result, and no task");
    expect("declare the extension on 2025-11-25, call slow_compute", called, plain);
  },
});

export const headers: ServerRule = defineServerRule({
  id: "x/headers",
  title: "A request about a task without its routing headers is refused",
  level: "must",
  generation: "2026-07-28",
  source: ["X-49"],
  needs: ["slow_compute"],
  mutants: ["x-headers-ignored"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("slow_compute");
    const calls = ["tasks/get", "tasks/update", "tasks/cancel"].flatMap((method) =>
      ["Mcp-Method", "Mcp-Name"].map(async (header) => {
        const params = { taskId, ...(method === "tasks/update" ? { inputResponses: {} } : {}) };
        return { method, header, answer: await tasks.client.call(method, params, { headers: { [header]: null } }) };
      }),
    );
    return Promise.all(calls);
  },
  judge(expect, calls) {
    for (const { method, header, answer } of calls) {
      expect(`${method} without ${header}`, answer, errorCode(-32_020, 400));
    }
  },
});
