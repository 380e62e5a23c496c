import { describe, expect, it } from "vitest";
import { ProtocolError } from "@modelcontextprotocol/server";
import { ToolError } from "../src/index.ts";
import { outcomeOf, text } from "./task-tools.ts";
import { BACKENDS, twoStores } from "./two-stores.ts";

const bomb = (): never => {
  throw new Error("a getter went off");
};

const mined = Object.defineProperties(new Error("mined"), {
  code: { get: bomb },
  message: { get: bomb },
  data: { get: bomb },
  toString: { value: bomb },
});

const proxy: unknown = new Proxy(new Error("behind a proxy"), { get: bomb, getPrototypeOf: bomb, ownKeys: bomb });

const minedData = Object.defineProperty(new ToolError(-32_050, "mined data"), "data", { get: bomb });

const oddMessage = Object.defineProperty(new Error("text"), "message", { value: { not: "a text" } });

function nested(depth: number): unknown {
  let value: unknown = "bottom";
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { inner: value };
  return value;
}

const throwing =
  (thrown: unknown): (() => never) =>
  () => {
    throw thrown;
  };

describe("a tool that throws an ordinary error", () => {
  it.each([
    ["an Error", new Error("disk full"), "disk full"],
    ["a TypeError", new TypeError("no such thing"), "no such thing"],
    ["a system error, whose code is a text", Object.assign(new Error("gone"), { code: "ENOENT", errno: -2 }), "gone"],
    ["a DOMException, whose code is a number", new DOMException("stopped", "AbortError"), "stopped"],
    ["a code that is no integer", Object.assign(new Error("half"), { code: 1.5 }), "half"],
    ["a code past what integers hold", Object.assign(new Error("far"), { code: 2 ** 60 }), "far"],
    ["a code that is not a number", Object.assign(new Error("nan"), { code: Number.NaN }), "nan"],
    ["a text", "plain text", "plain text"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["an Error whose every member throws", mined, "The tool failed."],
    ["a proxy that lets nothing be read", proxy, "The tool failed."],
    ["an object that cannot be a text", Object.create(null), "The tool failed."],
    ["an Error whose message is no text", oddMessage, expect.any(String)],
    ["an object with an integer code and no message", { code: 7 }, expect.any(String)],
  ])("shows it to the model: %s", async (_name, thrown, message) => {
    await using stores = twoStores();
    expect(await outcomeOf(stores.a, throwing(thrown))).toEqual({
      status: "completed",
      result: { content: [{ type: "text", text: message }], isError: true },
    });
  });

  it("has failed, for a client of 2025-11-25, with the same result (S-66)", async () => {
    await using stores = twoStores();
    const parts = { generation: "2025-11-25" } as const;
    expect(await outcomeOf(stores.a, throwing(new Error("disk full")), parts)).toEqual({
      status: "failed",
      result: { content: [{ type: "text", text: "disk full" }], isError: true },
    });
  });

  it.each([["2026-07-28"], ["2025-11-25"]] as const)("is stored in spite of its text: %s", async (generation) => {
    await using stores = twoStores();
    const outcome = await outcomeOf(stores.a, throwing(new Error("a\uD800b")), { generation });
    expect(outcome?.status).toBe("failed");
  });
});

const errors: readonly (readonly [name: string, thrown: unknown, error: object])[] = [
  ["code and message", new ToolError(-32_050, "no quota"), { code: -32_050, message: "no quota" }],
  ["an empty message", new ToolError(1, ""), { code: 1, message: "" }],
  ["code zero", new ToolError(0, "zero"), { code: 0, message: "zero" }],
  ["data null", new ToolError(1, "m", null), { code: 1, message: "m", data: null }],
  ["data false", new ToolError(1, "m", false), { code: 1, message: "m", data: false }],
  [
    "data with keys of our own",
    new ToolError(1, "m", { result: { isError: true }, error: 1, status: "completed", code: 2, resultType: "task" }),
    {
      code: 1,
      message: "m",
      data: { result: { isError: true }, error: 1, status: "completed", code: 2, resultType: "task" },
    },
  ],
  ["deep data", new ToolError(1, "m", nested(400)), { code: 1, message: "m", data: nested(400) }],
  [
    "texts of every kind",
    new ToolError(1, "Ünï\u0000\u2028😀", { "\u0000": "\u0000", 10: "b", 9: "a" }),
    { code: 1, message: "Ünï\u0000\u2028😀", data: { "\u0000": "\u0000", 10: "b", 9: "a" } },
  ],
  [
    "an error of the official SDK",
    new ProtocolError(-32_099, "of the SDK", { why: "so" }),
    { code: -32_099, message: "of the SDK", data: { why: "so" } },
  ],
  [
    "an error of another library",
    Object.assign(new Error("theirs"), { code: -32_001, data: ["x"] }),
    { code: -32_001, message: "theirs", data: ["x"] },
  ],
  [
    "an object that is no Error",
    { code: -32_002, message: "plain", data: { n: 1 } },
    { code: -32_002, message: "plain", data: { n: 1 } },
  ],
];

describe.each(BACKENDS)("a tool that throws a JSON-RPC error, on $name", ({ open, isLeftOut }) => {
  it.skipIf(isLeftOut)("fails the task with exactly this error (X-57)", async () => {
    await using stores = await open();
    for (const [name, thrown, error] of errors) {
      for (const generation of ["2026-07-28", "2025-11-25"] as const) {
        const outcome = await outcomeOf(stores.a, throwing(thrown), { generation });
        expect(outcome, `${name}, ${generation}`).toEqual({ status: "failed", error });
      }
    }
  });

  it.skipIf(isLeftOut)("has data in the very order it was given", async () => {
    await using stores = await open();
    const data = { z: 1, a: { y: 2, b: 3 } };
    const outcome = await outcomeOf(stores.a, throwing(new ToolError(1, "m", data)));
    expect(JSON.stringify(outcome)).toBe(JSON.stringify({ status: "failed", error: { code: 1, message: "m", data } }));
  });
});

describe("a JSON-RPC error that no store can keep", () => {
  it.each([
    ["data that is a function", new ToolError(-32_050, "m", () => 1)],
    ["data that is a bigint", new ToolError(-32_050, "m", 1n)],
    ["data too deep", new ToolError(-32_050, "m", nested(600))],
    ["data too large", new ToolError(-32_050, "m", "x".repeat(2_000_000))],
    ["data that does not let itself be read", minedData],
  ])("keeps its code all the same: %s", async (_name, thrown) => {
    await using stores = twoStores();
    const outcome = await outcomeOf(stores.a, throwing(thrown));
    expect(outcome).toMatchObject({ status: "failed", error: { code: -32_050 } });
  });
});

const circular: Record<string, unknown> = {};
circular["self"] = circular;

describe("a result that no store can keep", () => {
  it.each([
    ["a function", { structuredContent: { run: () => 1 } }],
    ["a bigint", { structuredContent: { n: 1n } }],
    ["a cycle", { structuredContent: circular }],
    ["an infinite number", { structuredContent: { n: Number.POSITIVE_INFINITY } }],
    ["half a character", text("a\uD800b")],
    ["too many bytes", text("x".repeat(2_000_000))],
  ])("fails the task, and says why without saying what: %s", async (_name, result) => {
    await using stores = twoStores();
    const outcome = await outcomeOf(stores.a, () => result);
    expect(outcome).toEqual({
      status: "failed",
      error: { code: -32_603, message: expect.stringContaining("could not be stored") },
    });
    expect(JSON.stringify(outcome).length).toBeLessThan(500);
  });
});

describe("ToolError", () => {
  it.each([[1.5], [Number.NaN], [Number.POSITIVE_INFINITY], [2 ** 53]])("refuses the code %d", (code) => {
    expect(() => new ToolError(code, "m")).toThrow(TypeError);
  });

  it("is an Error with its name, and has data only if there is some", () => {
    expect(new ToolError(1, "m")).toMatchObject({ name: "ToolError", message: "m", code: 1 });
    expect("data" in new ToolError(1, "m")).toBe(false);
    expect(new ToolError(1, "m", null).data).toBeNull();
  });
});
