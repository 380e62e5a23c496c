/** Servers that are right in another way than the reference: no rule fails them. */
import { startFixtureServer } from "@mcp-task-store/example-fixture-server";
import type { JsonObject } from "@mcp-task-store/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeRule } from "../src/index.ts";
import { Journal } from "../src/journal.ts";
import { judgeServer, type Tampering, tamperingProxy } from "../src/server.ts";
import { WireKit } from "../src/server/server-kit.ts";
import { SessionTasks } from "../src/server/session-tasks.ts";
import { TOOL_NAMES } from "../src/server/tools.ts";
import { isJsonObject, objectIn, textIn } from "../src/server/wire-message.ts";
import { KNOWN_CALLERS } from "./known-callers.ts";

const stack = new AsyncDisposableStack();
let url: string;
beforeAll(async () => {
  ({ url } = stack.use(await startFixtureServer()));
});
afterAll(() => stack.disposeAsync());

const OPTIONAL = new Set(["tasks/list", "tasks/cancel"]);

/** The specification of 2025-11-25 leaves both to the server, who declares those that it has. */
const withoutOptionalMethods: Tampering = {
  request: ({ method, isSession }) =>
    isSession && OPTIONAL.has(method)
      ? { answer: { error: { code: -32_601, message: "Method not found" } } }
      : undefined,
  message(message, { method }) {
    const result = message["result"];
    if (method !== "initialize" || !isJsonObject(result)) return [message];
    const capabilities = objectIn(result, "capabilities");
    const { requests } = objectIn(capabilities, "tasks");
    return [{ ...message, result: { ...result, capabilities: { ...capabilities, tasks: { requests } } } }];
  },
};

/** An error may repeat the id that its caller gave. */
const namingIds: Tampering = {
  message(message, { params }) {
    const [error, taskId] = [objectIn(message, "error"), textIn(params, "taskId")];
    const text = textIn(error, "message");
    if (text === undefined || taskId === undefined || error["code"] !== -32_602) return [message];
    const named: JsonObject = { ...error, message: `${text}: ${taskId}` };
    return [{ ...message, error: named }];
  },
};

describe("no rule fails a server", () => {
  it.each([
    ["that lets nobody cancel or list tasks of 2025-11-25", withoutOptionalMethods],
    ["whose errors name the task that was asked for", namingIds],
  ])("%s", async (_, tampering) => {
    await using proxy = await tamperingProxy(url, tampering);
    const report = await judgeServer(proxy.url, KNOWN_CALLERS);
    const wrong = report.rules.filter(({ outcome }) => outcome === "fail" || outcome === "could-not-run");
    expect(wrong.map((rule) => describeRule(rule, report)).join("\n")).toBe("");
    expect(report.verdict).toBe("conformant");
  });
});

it("no rule fails a server whose stream is slower than its answers", async () => {
  await using proxy = await tamperingProxy(url, { lagMs: 100 });
  const rules = ["s/progress", "s/progress-ends", "s/status-notes"];
  const report = await judgeServer(proxy.url, { ...KNOWN_CALLERS, rules });
  const wrong = report.rules.filter(({ outcome }) => outcome !== "pass");
  expect(wrong.map((rule) => describeRule(rule, report)).join("\n")).toBe("");
});

it("a tool is waited for that works longer than the deadline", async () => {
  const { headers = {}, otherHeaders = {} } = KNOWN_CALLERS;
  const address = { url, headers: { caller: headers, other: otherHeaders, nobody: {} }, tools: TOOL_NAMES };
  const kit = new WireKit(address, new Journal(), 2_000);
  const tasks = await SessionTasks.open(kit);
  const taskId = await tasks.start("slow_compute", { seconds: 4 });
  expect(await tasks.ended(taskId, 4_000)).toMatchObject({ status: "completed" });
  await kit.close();
});

it("how a rule is played again is said with all that the run knew of its callers, but for their secrets", async () => {
  const { command } = await judgeServer(url, { ...KNOWN_CALLERS, rules: ["s/list-hidden"] });
  expect(command).toBe(`server --url ${url} --header 'Authorization: …' --other-header 'Authorization: …' --anonymous`);
});
