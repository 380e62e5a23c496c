import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { unlessAborted, WaitAborted } from "../src/adapter.ts";

const never = new Promise<never>(() => {});

it("rejects when one of the signals fires, at once if it has", async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const waiting = unlessAborted(never, first.signal, undefined, second.signal);
  second.abort();
  await expect(waiting).rejects.toBeInstanceOf(WaitAborted);
  await expect(unlessAborted(never, first.signal, second.signal)).rejects.toBeInstanceOf(WaitAborted);
  expect(getEventListeners(first.signal, "abort")).toHaveLength(0);
});

it("settles as the work does", async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7);
  await expect(unlessAborted(Promise.reject(new Error("its own")), signal)).rejects.toThrow("its own");
  await new Promise((resolve) => setImmediate(resolve));
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

it("leaves one listener on a signal, however many wait: Node 20 takes more than ten for a leak", async () => {
  const controller = new AbortController();
  const waits = Array.from({ length: 50 }, () => unlessAborted(never, controller.signal));
  const ends = Promise.allSettled(waits);
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
  controller.abort();
  expect(new Set((await ends).map(({ status }) => status))).toEqual(new Set(["rejected"]));
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
});
