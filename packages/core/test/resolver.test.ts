import { describe, expect, it } from "vitest";
import { Resolver } from "../src/resolver.ts";

describe("Resolver", () => {
  it("gives its value to everybody who waits, before and after", async () => {
    const resolver = new Resolver<number>();
    const early = [resolver.wait(), resolver.wait()];
    expect(resolver.done).toBe(false);
    resolver.resolve(7);
    expect(resolver.done).toBe(true);
    expect(await Promise.all([...early, resolver.wait()])).toEqual([7, 7, 7]);
  });

  it.each([new Error("no"), undefined, "text"])("rejects with exactly what it was given: %s", async (error) => {
    const resolver = new Resolver<number>();
    resolver.reject(error);
    expect(resolver.done).toBe(true);
    await expect(resolver.wait()).rejects.toBe(error);
  });

  it.each([
    ["resolve after resolve", (r: Resolver<number>) => r.resolve(1), (r: Resolver<number>) => r.resolve(2)],
    ["reject after resolve", (r: Resolver<number>) => r.resolve(1), (r: Resolver<number>) => r.reject(new Error("2"))],
    ["resolve after reject", (r: Resolver<number>) => r.reject(1), (r: Resolver<number>) => r.resolve(2)],
    ["reject after reject", (r: Resolver<number>) => r.reject(1), (r: Resolver<number>) => r.reject(2)],
  ])("is settled once: %s throws and changes nothing", async (_name, first, second) => {
    const resolver = new Resolver<number>();
    first(resolver);
    expect(() => second(resolver)).toThrow(/settled before/);
    expect(await resolver.wait().catch((error: unknown) => error)).toBe(1);
  });

  it("does not turn a rejection that nobody waits for into an unhandled one", async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): number => unhandled.push(error);
    process.on("unhandledRejection", note);
    new Resolver<void>().reject(new Error("nobody listens"));
    // Node reports an unhandled rejection once the microtasks of a turn are done.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });
});
