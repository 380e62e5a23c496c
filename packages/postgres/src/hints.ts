import type { DriverHints, HintListener } from "@mcp-task-store/core";
import { encodeHints, type HintConnection, HintSubscriptions, unlessAborted } from "@mcp-task-store/core/adapter";
import type { Connection, DedicatedClient } from "./connection.ts";
import type { Statement } from "./statement.ts";

/** Postgres refuses a payload of 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_900;

/** How long a NOTIFY may take. */
const ANSWER_WITHIN_MS = 5_000;

/** Wake-ups by LISTEN and NOTIFY, over one connection for all subscriptions of this driver. */
export class PostgresHints implements DriverHints {
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #notify: Statement;
  readonly #subscriptions: HintSubscriptions;

  constructor(connection: Connection, channel: string, notify: Statement) {
    this.#connection = connection;
    this.#channel = channel;
    this.#notify = notify;
    this.#subscriptions = new HintSubscriptions((hear, signal) => this.#listen(hear, signal));
  }

  async publish(taskIds: readonly string[]): Promise<void> {
    if (taskIds.length === 0) return;
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const payloads = encodeHints(taskIds, MAX_PAYLOAD_BYTES);
    await this.#connection.run(this.#notify, [this.#channel, payloads], { doing: "reading", signal });
  }

  subscribe(listener: HintListener): Promise<() => Promise<void>> {
    return this.#subscriptions.subscribe(listener);
  }

  close(): Promise<void> {
    return this.#subscriptions.close();
  }

  async #listen(hear: (payload: string) => void, signal: AbortSignal): Promise<HintConnection> {
    let dedicated: DedicatedClient | undefined;
    try {
      dedicated = await this.#connection.dedicate(signal);
      const { client, close } = dedicated;
      client.on("notification", ({ channel, payload }) => {
        if (channel === this.#channel) hear(payload ?? "");
      });
      const lost = new Promise<void>((resolve) => {
        client.on("end", resolve);
        client.on("error", () => resolve());
      });
      await unlessAborted(client.query({ text: `listen "${this.#channel}"` }), signal);
      return { lost, check: (limit) => unlessAborted(client.query({ text: "select" }), limit), close };
    } catch (error) {
      dedicated?.close();
      throw error;
    }
  }
}
