import { setTimeout } from "node:timers/promises";

/**
 * What a promise is fulfilled with, if that is within `ms`; undefined: it has not settled by then, and goes on. Keeps no
 * timer behind.
 * @throws whatever the promise rejects with in time
 */
export async function inTime<T>(ms: number, promise: PromiseLike<T>): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([promise, setTimeout(ms, undefined, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
