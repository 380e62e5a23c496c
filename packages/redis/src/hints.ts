import type { DriverHints, HintListener } from "@mcp-task-store/core";
import { encodeHints, type HintConnection, HintSubscriptions } from "@mcp-task-store/core/adapter";
import type { Connection, DedicatedClient } from "./connection.ts";

/** Small enough for a subscriber's output buffer, which Redis bounds. */
const MAX_PAYLOAD_BYTES = 256 * 1024;

/** How long a PUBLISH may take. */
const ANSWER_WITHIN_MS = 5_000;

/**
 * Wake-ups by PUBLISH and SUBSCRIBE, over one connection for all subscriptions of this driver. In a cluster every node
 * passes on what any node was sent.
 */
export class RedisHints implements DriverHints {
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #subscriptions: HintSubscriptions;

  constructor(connection: Connection, channel: string) {
    this.#connection = connection;
    this.#channel = channel;
    this.#subscriptions = new HintSubscriptions((hear, signal) => this.#listen(hear, signal));
  }

  async publish(taskIds: readonly string[]): Promise<void> {
    if (taskIds.length === 0) return;
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    await Promise.all(
      encodeHints(taskIds, MAX_PAYLOAD_BYTES).map((payload) =>
        this.#connection.onAnyPrimary("publish", [this.#channel, payload], signal),
      ),
    );
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
      const { client, command, close } = dedicated;
      client.on("message", (channel, message) => {
        if (channel === this.#channel) hear(message);
      });
      const lost = new Promise<void>((resolve) => {
        client.on("close", resolve);
        client.on("end", resolve);
      });
      await command("subscribe", [this.#channel], signal);
      const check = async (limit: AbortSignal): Promise<void> => {
        await command("ping", [], limit);
        if (!this.#connection.leadsToPrimary(client)) throw new Error("the node is no primary of the cluster any more");
      };
      return { lost, check, close };
    } catch (error) {
      dedicated?.close();
      throw error;
    }
  }
}
