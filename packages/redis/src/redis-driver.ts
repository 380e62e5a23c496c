import type {
  DriverCallOptions,
  DriverCapabilities,
  DriverHints,
  DriverMessages,
  DriverReadOptions,
  DueAnswer,
  Insert,
  InsertAnswer,
  PageAnswer,
  PageQuery,
  ReadAnswer,
  TaskDriver,
  Write,
  WriteAnswer,
} from "@mcp-task-store/core";
import { encodeAlternatives } from "@mcp-task-store/core/adapter";
import { ClusterTopology } from "./cluster.ts";
import { Connection } from "./connection.ts";
import { RedisHints } from "./hints.ts";
import { Keys } from "./keys.ts";
import { RedisMessages } from "./messages.ts";
import { checkOptions } from "./options.ts";
import type { CheckedOptions, RedisDriverOptions } from "./options.ts";
import { isOfMovingSlot } from "./map-error.ts";
import { asArray, asNumber, asText } from "./reply.ts";
import { taskRecord } from "./row.ts";
import { SCRIPTS } from "./scripts.ts";
import { setUp } from "./setup.ts";
import { SingleServer } from "./single-server.ts";
import { scopeValue } from "./topology.ts";
import type { Topology } from "./topology.ts";

/** Redis takes more, but serves nobody else while it copies it, and keeps it in memory. */
const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

/**
 * The driver over the keys of one prefix. It connects when it is first used.
 * @throws TaskStoreError INVALID_ARGUMENT naming the option and its limit
 */
export function createRedisDriver(options: RedisDriverOptions): TaskDriver {
  return new RedisDriver(checkOptions(options));
}

class RedisDriver implements TaskDriver {
  readonly name = "redis";
  readonly capabilities: DriverCapabilities;
  readonly hints?: DriverHints;
  readonly messages: DriverMessages;
  readonly #options: CheckedOptions;
  readonly #keys: Keys;
  readonly #connection: Connection;
  readonly #topology: Topology;
  readonly #endHints: () => Promise<void>;
  #closed: Promise<void> | undefined;

  constructor(options: CheckedOptions) {
    const { source, keyPrefix, hints, durable } = options;
    this.capabilities = {
      durable,
      multiProcess: true,
      pushHints: hints === "pubsub",
      messages: true,
      listing: true,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    };
    this.#options = options;
    this.#keys = new Keys(keyPrefix);
    this.#connection = new Connection(source);
    this.#topology = this.#connection.isCluster
      ? new ClusterTopology(this.#connection, this.#keys)
      : new SingleServer(this.#connection, this.#keys);
    this.messages = new RedisMessages(this.#connection, this.#keys);
    if (hints === "pubsub") {
      const listening = new RedisHints(this.#connection, this.#keys.channel);
      this.hints = listening;
      this.#endHints = () => listening.close();
    } else {
      this.#endHints = async () => {};
    }
  }

  setup(options: DriverCallOptions = {}): Promise<void> {
    return setUp(this.#connection, this.#keys, this.#options, options);
  }

  insert(insert: Insert, options: DriverCallOptions = {}): Promise<InsertAnswer> {
    return this.#topology.insert(insert, options);
  }

  read(
    taskIds: readonly string[],
    { request = false, outcome = false, ...options }: DriverReadOptions = {},
  ): Promise<ReadAnswer> {
    return this.#topology.read(taskIds, { request, outcome }, options);
  }

  async write(write: Write, { signal }: DriverCallOptions = {}): Promise<WriteAnswer> {
    const { taskId, writeId, notAfterUs, quiet = false } = write;
    const { sinceRevision = "", createId = "", bornByUs = "" } = write;
    const { json, texts } = encodeAlternatives(write.alternatives);
    const { task, messages, due } = this.#keys.of(taskId);
    const values = [taskId, scopeValue(write), writeId, String(notAfterUs), quiet ? "1" : "", String(sinceRevision)];
    values.push(String(bornByUs), createId, JSON.stringify(writeId), json, ...texts);
    const run = (keys: readonly string[]): Promise<unknown> =>
      this.#connection.run(SCRIPTS.write, keys, values, { doing: "writing", signal });
    // While its slot is being moved a node takes no script with several keys of which one is not there, as that of the
    // messages of most tasks is not. Heartbeats, and most reports, touch the task alone.
    const reply = await run([task, messages, due]).catch((error: unknown) => {
      if (isOfMovingSlot(error)) return run([task]);
      throw error;
    });
    const [kind, now, row] = asArray(reply);
    const name = asText(kind);
    if (name === "gone") return { kind: "gone" };
    return {
      kind: name === "written" ? "written" : "refused",
      row: taskRecord(taskId, row),
      nowUs: asNumber(now),
    };
  }

  async remove(
    remove: { readonly taskId: string; readonly scope?: string | null; readonly notAfterUs: number },
    { signal }: DriverCallOptions = {},
  ): Promise<"removed" | "gone" | "late"> {
    const { taskId, notAfterUs } = remove;
    const { tag, task, messages, due, all, unowned } = this.#keys.of(taskId);
    const values = [taskId, tag, scopeValue(remove), String(notAfterUs), this.#topology.reach];
    const reply = await this.#connection.run(SCRIPTS.remove, [task, messages, due, all, unowned], values, {
      doing: "writing",
      signal,
    });
    const [kind, scope, createdAt, createId] = asArray(reply);
    const name = asText(kind);
    if (name !== "removed") return name === "late" ? "late" : "gone";
    if (scope !== undefined) {
      const entry = { scope: asText(scope), createdAt: asNumber(createdAt), taskId, createId: asText(createId) };
      this.#topology.unlist?.(entry);
    }
    return "removed";
  }

  page(query: PageQuery, options: DriverCallOptions = {}): Promise<PageAnswer> {
    return this.#topology.page(query, options);
  }

  /** Maintenance may be repeated: what it did without an answer is due again after its hold. */
  due(limit: number, holdMs: number, options: DriverCallOptions = {}): Promise<DueAnswer> {
    return this.#topology.due(limit, holdMs, options);
  }

  close(): Promise<void> {
    this.#closed ??= Promise.all([this.#endHints(), this.#connection.close()]).then(() => {});
    return this.#closed;
  }
}
