import { TaskStoreError } from "@mcp-task-store/core";
import type { TaskStoreCapabilities, TaskStoreOptions } from "@mcp-task-store/core";
import { HOUR_MS, DAY_MS, MONTH_MS, CENTURY_MS, optionalInteger } from "./checks.ts";

export interface IndependentStoreOptions extends TaskStoreOptions {
  /** How many open tasks a principal may have; one more is QUOTA_EXCEEDED. @default no limit */
  readonly quota?: number | undefined;
}

/** The options with every default filled in. */
export interface Settings {
  readonly onOrphan: TaskStoreOptions["onOrphan"];
  readonly orphanPolicy: "fail" | "release";
  readonly maxAttempts: number;
  readonly claimWithinMs: number;
  readonly leaseMs: number;
  readonly maxRunMs: number | undefined;
  readonly callTimeoutMs: number;
  readonly defaultTtlMs: number | null;
  readonly maxTtlMs: number | null;
  readonly defaultPollIntervalMs: number;
  readonly quota: number;
  readonly onError: (error: unknown) => void;
  readonly capabilities: TaskStoreCapabilities;
}

const MAX_PAYLOAD_BYTES = 16_777_216;

/** @throws TaskStoreError INVALID_ARGUMENT */
export function settingsFrom(options: IndependentStoreOptions): Settings {
  const maintainEveryMs =
    options.maintenance === false
      ? 0
      : (optionalInteger("maintenance.everyMs", options.maintenance?.everyMs, 10, HOUR_MS) ?? 10_000);
  const graceMs = optionalInteger("graceMs", options.graceMs, 1, MONTH_MS) ?? 30_000;
  return {
    onOrphan: options.onOrphan,
    orphanPolicy: options.orphanPolicy ?? (options.onOrphan === undefined ? "fail" : "release"),
    maxAttempts: optionalInteger("maxAttempts", options.maxAttempts, 1, 1_000) ?? 3,
    claimWithinMs: optionalInteger("claimWithinMs", options.claimWithinMs, 10, MONTH_MS) ?? 300_000,
    leaseMs: optionalInteger("leaseMs", options.leaseMs, 50, DAY_MS) ?? 30_000,
    maxRunMs: optionalInteger("maxRunMs", options.maxRunMs ?? undefined, 10, MONTH_MS),
    callTimeoutMs: optionalInteger("callTimeoutMs", options.callTimeoutMs, 1, HOUR_MS) ?? 5_000,
    defaultTtlMs:
      options.defaultTtlMs === null
        ? null
        : (optionalInteger("defaultTtlMs", options.defaultTtlMs, 1, CENTURY_MS) ?? DAY_MS),
    maxTtlMs: optionalInteger("maxTtlMs", options.maxTtlMs ?? undefined, 1, CENTURY_MS) ?? null,
    defaultPollIntervalMs: optionalInteger("defaultPollIntervalMs", options.defaultPollIntervalMs, 1, DAY_MS) ?? 500,
    quota: optionalInteger("quota", options.quota, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
    onError: options.onError ?? (() => undefined),
    capabilities: Object.freeze({
      durable: false,
      // One process; several stores in it, on one backend.
      multiProcess: false,
      pushHints: true,
      messages: true,
      listing: true,
      maxPayloadBytes: optionalInteger("maxPayloadBytes", options.maxPayloadBytes, 1, MAX_PAYLOAD_BYTES) ?? 1_048_576,
      minTtlMs: 1,
      minLeaseMs: 50,
      // Every change wakes; there is nothing that a poll could find besides.
      safetyPollMs: optionalInteger("safetyPollMs", options.safetyPollMs, 10, 600_000) ?? 5_000,
      maintainEveryMs,
      graceMs: Math.max(graceMs, 3 * maintainEveryMs),
    }),
  };
}

/** The shorter of a wish and the store's limit; null is for ever. */
export function cappedTtl(ttlMs: number | null, maxTtlMs: number | null): number | null {
  if (maxTtlMs === null) return ttlMs;
  return ttlMs === null ? maxTtlMs : Math.min(ttlMs, maxTtlMs);
}

export function notSupported(what: string): TaskStoreError {
  return new TaskStoreError("NOT_SUPPORTED", `${what} is not supported here.`);
}
