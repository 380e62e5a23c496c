import type { DriverHints, HintListener } from "@mcp-task-store/core";
import { HintSubscriptions, onAbort } from "@mcp-task-store/core/adapter";
import type { HintConnection } from "@mcp-task-store/core/adapter";
import type { Connection } from "./connection.ts";
import { hasNoStreams } from "./map-error.ts";
import type { MongoChangeStreamLike } from "./options.ts";
import type { Stage } from "./pipelines/expressions.ts";

/** How long an open stream may say nothing: the server speaks every second, whether or not there is news. */
const SILENCE_MS = 10_000;

/** How often waiters look where the server has no change stream, and after which time it is asked for one again. */
const POLL_MS = 1_000;
const ASK_AGAIN_MS = 30_000;

/** What is no list of ids is heard as a gap. */
const GAP = "";

/**
 * What concerns waiters: a row that came, went or got a new revision. Not what heartbeats, refusals and looks write.
 * Only the id is sent here, never what was changed.
 */
const PIPELINE: readonly Stage[] = [
  {
    $match: {
      $or: [{ operationType: { $nin: ["update"] } }, { "updateDescription.updatedFields.revision": { $exists: true } }],
    },
  },
  { $project: { documentKey: 1 } },
];

/**
 * Wake-ups by one change stream for all subscriptions of this driver. The writes themselves are the hints: nothing is
 * published. Where the server has no change streams, or does not allow them, waiters look every second.
 */
export class MongoHints implements DriverHints {
  readonly #subscriptions: HintSubscriptions;

  /** @param onOther called when something happened that is no change of a row: the collection was dropped or renamed */
  constructor(connection: Connection, onOther: () => void) {
    this.#subscriptions = new HintSubscriptions((hear, signal) => listen(connection, hear, onOther, signal));
  }

  /** Every write that others have to hear of is in the stream. */
  async publish(): Promise<void> {}

  subscribe(listener: HintListener): Promise<() => Promise<void>> {
    return this.#subscriptions.subscribe(listener);
  }

  close(): Promise<void> {
    return this.#subscriptions.close();
  }
}

async function listen(
  connection: Connection,
  hear: (payload: string) => void,
  onOther: () => void,
  signal: AbortSignal,
): Promise<HintConnection> {
  const stream = await connection.watch(PIPELINE, signal);
  const close = (): void => void stream.close().catch(() => {});
  const stopListening = onAbort(signal, close);
  let heardAtMs = performance.now();
  try {
    // Every answer of the server moves the place from which the stream would go on: the first one, which opens it, too.
    const opened = new Promise<void>((resolve) => {
      stream.on("resumeTokenChanged", () => {
        heardAtMs = performance.now();
        resolve();
      });
    });
    const lost = hearAll(stream, hear, onOther);
    await Promise.race([opened, lost]);
    return {
      lost,
      async check() {
        if (performance.now() - heardAtMs > SILENCE_MS) throw new Error("the change stream says nothing any more");
      },
      close,
    };
  } catch (error) {
    close();
    // Anything else passes, such as an election: then it is tried again soon.
    if (hasNoStreams(error)) return looking(hear);
    throw error;
  } finally {
    stopListening();
  }
}

/**
 * Rejects when the stream has ended. A break that the client mends by itself, by going on from where it was, loses
 * nothing.
 */
async function hearAll(
  stream: MongoChangeStreamLike,
  hear: (payload: string) => void,
  onOther: () => void,
): Promise<never> {
  for (;;) {
    const change = await stream.next();
    const key = "documentKey" in change ? change.documentKey : undefined;
    const id = typeof key === "object" && key !== null && "_id" in key ? key._id : undefined;
    if (id === undefined) onOther();
    hear(typeof id === "string" ? JSON.stringify([id]) : GAP);
  }
}

/** In the place of a stream that the server refused: a gap every second, for a while. */
function looking(hear: (payload: string) => void): HintConnection {
  const timer = setInterval(() => hear(GAP), POLL_MS);
  let end = (): void => {};
  const lost = new Promise<void>((resolve) => {
    const over = setTimeout(resolve, ASK_AGAIN_MS);
    end = () => {
      clearInterval(timer);
      clearTimeout(over);
      resolve();
    };
  });
  return { lost, check: async () => {}, close: end };
}
