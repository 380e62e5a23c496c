import { setTimeout as pause } from "node:timers/promises";

/** Any HTTP server of Node's. One for HTTP/2 alone has no connections that are idle. */
export interface HttpServer {
  close(onClosed: () => void): unknown;
  closeIdleConnections?(): void;
}

/** Ends the process in good order on SIGTERM and Ctrl-C. */
export function endOnSignal(end: () => Promise<void>): void {
  const onSignal = (): void => {
    end().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", onSignal);
  process.once("SIGINT", onSignal);
}

/** Takes no new connections. Resolves when all calls that were under way have their answers, or after that time, ms. */
export async function stopServing(server: HttpServer, timeoutMs = 5_000): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(resolve);
  });
  // A client keeps its connection for its next call: it is closed when it has its answer.
  const sweep = setInterval(() => server.closeIdleConnections?.(), 50);
  await Promise.race([closed, pause(timeoutMs, undefined, { ref: false })]);
  clearInterval(sweep);
}
