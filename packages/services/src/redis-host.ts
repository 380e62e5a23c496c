/** What runs the servers of one group: one Redis, the nodes of a cluster, or a primary with its sentinels. */
import { randomBytes } from "node:crypto";
import type { RedisAddress } from "./redis-client.ts";

export interface RedisNodeSpec {
  /** Of its directory: "node-0". */
  readonly name: string;
  /** Lines of its configuration, in order. May not be known before its port. */
  readonly settings: (port: number) => readonly RedisSetting[];
  /** Watches other servers instead of serving data. It has no password. */
  readonly sentinel?: boolean;
}

/** A name with its values: `["appendonly", "yes"]`. */
export type RedisSetting = readonly [name: string, ...values: readonly string[]];

export interface RedisNode extends RedisAddress {
  isRunning(): boolean;
  /** In good order, at the same address with the same data. Also after kill. */
  restart(): Promise<void>;
  /** At once, as a power cut does. */
  kill(): Promise<void>;
  /** Answers nobody and closes nothing, until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export interface RedisHost {
  /** For people: "path, /usr/bin/redis-server". */
  readonly description: string;
  /** Of every server in it, and for their talk with each other. */
  readonly password: string;
  start(spec: RedisNodeSpec): Promise<RedisNode>;
  /** Ends all of them for good and removes their data. Calling it twice is harmless. */
  stop(): Promise<void>;
}

export function newPassword(): string {
  return randomBytes(18).toString("base64url");
}

/** What a server with data keeps of it. */
export function dataSettings(password: string, fast: boolean): readonly RedisSetting[] {
  return [
    ["requirepass", password],
    ["masterauth", password],
    ["appendonly", "yes"],
    // With "always" an answer means that it is on disk; with "everysec" a killed server may lose what it acknowledged.
    ["appendfsync", fast ? "everysec" : "always"],
    // No snapshots, and no rewriting of the log, which would only make a run's timing uneven.
    ["save", ""],
    ["auto-aof-rewrite-percentage", "0"],
  ];
}

/** Quoted, since a value may be empty or hold spaces. */
export function configText(settings: readonly RedisSetting[]): string {
  const quoted = (value: string): string => `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  return settings.map(([name, ...values]) => `${[name, ...values.map(quoted)].join(" ")}\n`).join("");
}
