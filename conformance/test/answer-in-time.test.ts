import { startFixtureServer } from "@mcp-task-store/example-fixture-server";
import { describe, expect, it } from "vitest";
import { CouldNotRun } from "../src/attempt.ts";
import { deferred } from "../src/deferred.ts";
import { judgeServer, type Tampering, tamperingProxy } from "../src/server.ts";
import { answerInTime, Unanswered } from "../src/server/answer-in-time.ts";
import { KNOWN_CALLERS } from "./known-callers.ts";

const never = (): Promise<never> => new Promise(() => undefined);

describe("a request without an answer", () => {
  const asked = { method: "tasks/get", deadlineMs: 20 };

  it("says something only of a server that answers another one", async () => {
    const control = { method: "tasks/result", send: async () => "an error" };
    const call = answerInTime({ ...asked, control }, never);
    await expect(call).rejects.toThrow(Unanswered);
    await expect(call).rejects.toThrow(/^no answer within \d+ ms, while tasks\/result was answered in \d+ ms$/);
    const stalled = answerInTime({ ...asked, control: { ...control, send: never } }, never);
    await expect(stalled).rejects.toThrow(CouldNotRun);
    await expect(stalled).rejects.toThrow("neither tasks/get nor tasks/result was answered within 20 ms");
    const waits = answerInTime({ ...asked, control: undefined }, never);
    await expect(waits).rejects.toThrow(CouldNotRun);
  });

  it.each([1, 2])("is looked at once more after control %i: a server that stood still answers both", async (nth) => {
    const first = deferred<string>();
    let controls = 0;
    const control = {
      method: "tasks/result",
      send: async () => {
        controls += 1;
        if (controls === nth) first.resolve("late");
      },
    };
    expect(await answerInTime({ ...asked, control }, () => first.promise)).toBe("late");
  });
});

describe.concurrent("a server", () => {
  const silentOn = (isMeant: NonNullable<Tampering["request"]>): Tampering => ({ request: isMeant });

  it.each([
    [
      "s/parameter-counts",
      silentOn(({ method, params }) =>
        method === "tasks/get" && params["_meta"] !== undefined ? { answer: "silence" } : undefined,
      ),
      "tasks/get",
    ],
    [
      "s/unknown-id",
      silentOn(({ method }) => (method === "tasks/get" ? { answer: "silence" } : undefined)),
      "tasks/get",
    ],
    [
      "x/cancelled",
      silentOn(({ method }) => (method === "tasks/get" ? { answer: "silence" } : undefined)),
      "tasks/get",
    ],
    [
      "x/cancelled",
      silentOn(({ method }) => (method === "tasks/cancel" ? { answer: "silence" } : undefined)),
      "tasks/cancel",
    ],
  ])("fails %s that leaves a request unanswered (%#), and answers others", async (rule, tampering, method) => {
    await using server = await startFixtureServer();
    await using proxy = await tamperingProxy(server.url, tampering);
    const report = await judgeServer(proxy.url, { ...KNOWN_CALLERS, rules: [rule] });
    expect(report.rules).toMatchObject([
      {
        outcome: "fail",
        failure: {
          did: `call ${method}, which must not fail here`,
          seen: expect.stringMatching(/^Unanswered: no answer within \d+ ms, while tasks\/\w+ was answered in \d+ ms$/),
        },
      },
    ]);
  });

  it("that answers nothing about tasks is not judged", async () => {
    await using server = await startFixtureServer();
    const stalled = silentOn(({ method }) => (method.startsWith("tasks/") ? { answer: "silence" } : undefined));
    await using proxy = await tamperingProxy(server.url, stalled);
    const report = await judgeServer(proxy.url, { ...KNOWN_CALLERS, rules: ["s/unknown-id"] });
    expect(report.rules).toMatchObject([
      { outcome: "could-not-run", reason: expect.stringContaining("neither tasks/get nor tasks/result was answered") },
    ]);
  });
});
