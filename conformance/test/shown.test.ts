import { describe, expect, it } from "vitest";
import { shown } from "../src/shown.ts";

function throwing(key: string): unknown {
  return Object.defineProperty(new Error("x"), key, {
    get() {
      throw new TypeError("nobody reads this");
    },
  });
}

const revoked = Proxy.revocable({}, {});
revoked.revoke();
const trap = (): never => {
  throw new TypeError("nobody looks at this");
};

describe("shown", () => {
  it.each<[string, unknown]>([
    ["an error whose message throws", throwing("message")],
    ["an error whose name throws", throwing("name")],
    ["an error whose code throws", throwing("code")],
    ["an error whose message is a symbol", Object.defineProperty(new Error(), "message", { value: Symbol("m") })],
    ["a revoked proxy", revoked.proxy],
    ["a proxy that throws", new Proxy({}, { get: trap, getPrototypeOf: trap, ownKeys: trap, has: trap })],
    [
      "a getter that throws",
      {
        deep: {
          get status(): string {
            return trap();
          },
        },
      },
    ],
    ["nothing", undefined],
    ["a symbol", Symbol("s")],
  ])("has a text for %s", (_what, value) => {
    expect(shown({ value })).not.toBe("");
    expect(shown(value)).toMatch(/^[ -~]+$/);
  });

  it("is one line without control characters, and short", () => {
    expect(shown(new Error("a\n\u001b[31mb\u0007"))).toBe(String.raw`Error: a\n\u001b[31mb\u0007`);
    expect(shown(new Error("x".repeat(1_000_000))).length).toBeLessThan(700);
  });
});
