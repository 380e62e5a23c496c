import { describe, expect, it } from "vitest";
import { fromJsonText, MAX_JSON_DEPTH, toJsonText } from "../src/json-text.ts";

const MAX = 1_000_000;
const text = (value: unknown): string => toJsonText(value, "value", MAX);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

const cyclic: Record<string, unknown> = {};
cyclic["self"] = { again: cyclic };
const shared = { a: 1 };

describe("toJsonText keeps what JSON can say", () => {
  it.each([
    ["astral, combining and separator characters", { é: "e\u0301\u{1F600}\u2028\uFEFF" }],
    ["NUL", "a\u0000b"],
    ["empty containers, null, false, zero and the empty string", { a: [], b: {}, c: null, d: false, e: 0, f: "" }],
    ["extreme numbers", [0.1 + 0.2, 2 ** 53 - 1, 1e21, 5e-324, Number.MAX_VALUE]],
    ["date-like text", "2026-07-28T00:00:00Z"],
    [
      "keys that mean something elsewhere",
      JSON.parse('{"__proto__":{"x":1},"constructor":1,"a.b":2,"$where":3,"":4,"0":5}'),
    ],
    ["the same object twice", [shared, shared]],
    ["nesting up to the limit", nested(MAX_JSON_DEPTH)],
  ])("%s", (_, value) => {
    expect(text(value)).toBe(JSON.stringify(value));
    expect(fromJsonText(text(value))).toEqual(value);
  });

  it("leaves undefined members out, as JSON does", () => {
    expect(text({ a: undefined, b: 1 })).toBe('{"b":1}');
  });

  it("asks a getter once", () => {
    let asked = 0;
    const value = {
      get a(): number {
        asked += 1;
        return asked;
      },
    };
    expect(text(value)).toBe('{"a":1}');
  });

  it("gives back frozen values", () => {
    expect(Object.isFrozen(fromJsonText<{ a: object }>('{"a":{}}').a)).toBe(true);
    expect(Object.getPrototypeOf(fromJsonText<object>('{"__proto__":{"polluted":1}}'))).toBe(Object.prototype);
  });
});

describe("toJsonText refuses what JSON would lose, naming the argument and no content", () => {
  it.each<[string, unknown]>([
    ["a function", { secret: () => 1 }],
    ["a symbol", [Symbol("secret")]],
    ["a bigint", 1n],
    ["undefined alone", undefined],
    ["undefined in an array", [undefined]],
    ["NaN", NaN],
    ["Infinity from 1e400", Number("1e400")],
    ["a Date", new Date(0)],
    ["a Map", new Map([["secret", 1]])],
    ["a class instance", new URL("http://secret.test")],
    ["a toJSON bomb", { toJSON: () => "secret" }],
    ["a cycle", cyclic],
    ["an array with holes", Array.from({ length: 2 }).concat(Array(3))],
    ["a symbol key", { [Symbol("secret")]: 1 }],
    ["an unpaired surrogate", "secret\uD800"],
    ["an unpaired surrogate in a key", { "\uDC00secret": 1 }],
    [
      "a getter that throws",
      Object.defineProperty({}, "secret", {
        enumerable: true,
        get: () => {
          throw new Error("secret");
        },
      }),
    ],
    ["nesting beyond the limit", nested(MAX_JSON_DEPTH + 1)],
    ["nesting that would overflow the stack", nested(100_000)],
  ])("%s", (_, value) => {
    expect(() => text(value)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "value" }));
    expect(() => text(value)).not.toThrow(/secret/);
  });

  it("measures bytes, not characters", () => {
    expect(toJsonText("€€", "value", 8)).toBe('"€€"');
    expect(() => toJsonText("€€", "value", 7)).toThrow(
      expect.objectContaining({ code: "PAYLOAD_TOO_LARGE", argument: "value" }),
    );
  });
});
