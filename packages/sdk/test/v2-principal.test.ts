import type { AuthInfo } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { subjectOf } from "../src/principal.ts";
import type { PrincipalOf } from "../src/v2/index.ts";
import { ASK_SURE, text, TOOL, toolOf, YES } from "./task-tools.ts";
import { asked, BACKENDS, ended, read, twoStores } from "./two-stores.ts";
import { subject, taskIdOf, testServer, type TestServer } from "./v2-server.ts";

const done = toolOf(() => text("done"));
const METHODS = ["tasks/get", "tasks/update", "tasks/cancel"];

/** Everything that differs between two answers but the id asked for. */
async function answers(server: TestServer, taskId: string, auth: AuthInfo | undefined): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const method of METHODS) {
    const { http, result, error } = await server.call(method, { taskId, inputResponses: { sure: YES } }, { auth });
    all.push({ http, result, error });
  }
  return all;
}

describe.each(BACKENDS)("somebody else's task, on $name", ({ open, isLeftOut }) => {
  it.skipIf(isLeftOut)("is to everybody else as one that never was", async () => {
    await using stores = await open();
    const tool = toolOf(async ({ elicit }) => ({ structuredContent: await elicit("sure", ASK_SURE) }));
    const server = testServer(stores.a, { tools: [tool] });
    const alice = subject("alice");
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }, { auth: alice }));
    await asked(stores.b, taskId);
    const before = await read(stores.b, taskId);
    expect(before.principal).toBe("alice");
    const others = [undefined, subject("bob"), subject("alice", { iss: "https://other" }), subject("Alice")];
    for (const auth of others) {
      expect(await answers(server, taskId, auth)).toEqual(await answers(server, "never-was", auth));
    }
    expect(await read(stores.b, taskId)).toEqual(before);
    expect((await server.call("tasks/get", { taskId }, { auth: alice })).result).toMatchObject({
      status: "input_required",
    });
    await server.call("tasks/update", { taskId, inputResponses: { sure: YES } }, { auth: alice });
    expect((await ended(stores.b, taskId)).status).toBe("completed");
  });

  it.skipIf(isLeftOut)("that has no owner is reached by its id, though not by those who are somebody", async () => {
    await using stores = await open();
    const server = testServer(stores.a, { tools: [done], dispatch: () => undefined });
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }));
    expect((await read(stores.b, taskId)).principal).toBeNull();
    expect((await server.call("tasks/get", { taskId })).result).toMatchObject({ taskId });
    expect((await server.call("tasks/get", { taskId }, { auth: subject("alice") })).error?.message).toBe(
      "Task not found",
    );
  });
});

describe("the default principal", () => {
  it("is nobody without authentication, the subject, and with an issuer both", () => {
    expect(subjectOf(undefined)).toBeNull();
    expect(subjectOf(subject("alice"))).toBe("alice");
    const withIssuer = subjectOf(subject("alice", { iss: "https://issuer" }));
    expect(withIssuer).not.toBe("alice");
    expect(subjectOf({ ...subject("alice", { iss: "https://issuer" }), token: "fresh", clientId: "d" })).toBe(
      withIssuer,
    );
  });

  it("cannot be made another's by a clever subject", () => {
    const callers = [
      subject("a"),
      subject("a", { iss: "i" }),
      subject("i", { iss: "a" }),
      subject('["i","a"]'),
      subject('[null,"a"]'),
      subject('[null,"[\\"i\\",\\"a\\"]"]'),
      subject('i","a', { iss: "" }),
      subject("a", { iss: "" }),
      subject('"a"'),
    ];
    const principals = callers.map((caller) => subjectOf(caller));
    expect(new Set(principals).size).toBe(callers.length);
  });

  it.each<[string, AuthInfo]>([
    ["none", subject(undefined)],
    ["an empty one", subject("")],
    ["a number", subject(undefined, { sub: 7 })],
    ["no extra at all", { token: "t", clientId: "c", scopes: [] }],
    ["one of Object's own", { token: "t", clientId: "c", scopes: [], extra: Object.create({ sub: 7 }) }],
  ])("needs a subject; with %s the server says -32603, and onError why", async (_name, auth) => {
    await using stores = twoStores();
    const server = testServer(stores.a, { tools: [done] });
    for (const method of ["tools/call", ...METHODS]) {
      const params = method === "tools/call" ? { name: TOOL } : { taskId: "t", inputResponses: {} };
      const answer = await server.call(method, params, { auth });
      expect(answer.error, method).toMatchObject({ code: -32_603 });
      expect(answer.text).not.toContain("authInfo");
    }
    expect(server.errors).toHaveLength(4);
    expect(String(server.errors[0])).toContain("principal");
  });

  it("takes no name from what every object has", () => {
    expect(() => subjectOf({ token: "t", clientId: "c", scopes: [], extra: {} })).toThrow("authInfo.extra.sub");
  });
});

describe("a principal of the server's own", () => {
  it.each<[string, PrincipalOf]>([
    ["at once", (auth) => auth?.clientId ?? null],
    ["later", async (auth) => await Promise.resolve(auth?.clientId ?? null)],
  ])("says who calls: %s", async (_name, principal) => {
    await using stores = twoStores();
    const server = testServer(stores.a, { tools: [done], principal, dispatch: () => undefined });
    const auth = subject(undefined);
    const taskId = taskIdOf(await server.call("tools/call", { name: TOOL }, { auth }));
    expect((await read(stores.b, taskId)).principal).toBe("c");
    expect((await server.call("tasks/get", { taskId }, { auth })).result).toMatchObject({ taskId });
    expect((await server.call("tasks/get", { taskId })).error?.code).toBe(-32_602);
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("ldap://secret is down");
      },
    ],
    ["rejects", () => Promise.reject(new Error("ldap://secret is down"))],
    ["says nothing", () => undefined],
    ["says an empty text", () => ""],
    ["says a number", () => 7],
    ["says too much", () => "secret".repeat(1_000)],
  ])("that %s makes it -32603 for the client, who learns nothing, and onError hears it", async (_name, principal) => {
    await using stores = twoStores();
    const server = testServer(stores.a, {
      tools: [done],
      principal: (auth) => Reflect.apply(principal, undefined, [auth]),
    });
    for (const [method, params] of [
      ["tools/call", { name: TOOL }],
      ["tasks/get", { taskId: "t" }],
    ] as const) {
      const answer = await server.call(method, params);
      expect(answer.error, method).toMatchObject({ code: -32_603 });
      expect(answer.text).not.toContain("secret");
      expect(answer.text).not.toContain("principal");
    }
    expect(server.errors).toHaveLength(2);
  });

  it("is not asked for a call that makes no task", async () => {
    await using stores = twoStores();
    const server = testServer(stores.a, {
      tools: [done],
      principal: () => {
        throw new Error("must not be asked");
      },
    });
    const { result } = await server.call("tools/call", { name: TOOL }, { capabilities: {} });
    expect(result).toMatchObject(text("done"));
  });
});
