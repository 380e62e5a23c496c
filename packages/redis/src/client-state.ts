import type { RedisClientLike, RedisClusterLike } from "./options.ts";

/** What a client may be waited for: "close" is the end of one connection, after which there may be another. */
export type ClientEvent = "ready" | "close";

const ignore = (): void => {};

/**
 * Resolves with the event. A wait for "ready" rejects when an attempt to connect fails, though the client goes on trying;
 * both reject when the store closes, and when patience is over.
 */
export function untilClient(
  client: RedisClientLike | RedisClusterLike,
  event: ClientEvent,
  closing: AbortSignal,
  patienceMs: number,
): Promise<void> {
  let settle: (error?: Error) => void = ignore;
  const over = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  const succeed = (): void => settle();
  const fail = (): void => settle(new Error("the connection was closed"));
  const onError = (error: Error): void => (event === "ready" ? settle(error) : undefined);
  const timer = setTimeout(fail, patienceMs);
  client.on(event, succeed);
  client.on("error", onError);
  if (event === "ready") client.on("close", fail);
  client.on("end", fail);
  closing.addEventListener("abort", fail);
  const stop = (): void => {
    clearTimeout(timer);
    client.off(event, succeed);
    client.off("error", onError);
    client.off("close", fail);
    client.off("end", fail);
    closing.removeEventListener("abort", fail);
  };
  // Everybody who waits for it may have given up.
  over.then(stop, stop);

  const { status } = client;
  if (closing.aborted || (event === "ready" && status === "end")) fail();
  else if (event === "close" && status !== "ready") succeed();
  else if (event === "ready" && status === "wait") client.connect().catch(ignore);
  return over;
}
