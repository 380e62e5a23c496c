import { z } from "zod";
import { check, integer, LIMITS } from "./arguments.ts";
import { TASK_STORE_DEFAULTS, type TaskStoreOptions } from "./options.ts";
import type { Task } from "./task.ts";
import type { DriverCapabilities } from "./task-driver.ts";

/** Shortest ttl and lease that make sense beside a round trip, ms. */
export const MIN_TTL_MS = 1;
export const MIN_LEASE_MS = 50;

/** The options with every default filled in. */
export interface ResolvedOptions {
  /** 0: only by `maintain()`. */
  readonly maintainEveryMs: number;
  readonly onOrphan: ((task: Task) => void | Promise<void>) | undefined;
  readonly orphanPolicy: "fail" | "release";
  readonly maxAttempts: number;
  readonly claimWithinMs: number;
  readonly leaseMs: number;
  readonly maxRunMs: number | null;
  readonly graceMs: number;
  readonly safetyPollMs: number;
  readonly callTimeoutMs: number;
  readonly defaultTtlMs: number | null;
  readonly maxTtlMs: number | null;
  readonly defaultPollIntervalMs: number;
  readonly maxPayloadBytes: number;
  readonly onError: (error: unknown) => void;
}

export const leaseMsSchema: z.ZodInt = integer(MIN_LEASE_MS, LIMITS.dayMs);
export const maxRunMsSchema: z.ZodInt = integer(10, LIMITS.waitMs);
export const claimWithinMsSchema: z.ZodInt = integer(10, LIMITS.waitMs);

const functionSchema = z.custom<(...values: never[]) => unknown>(
  (value) => typeof value === "function",
  "must be a function",
);

/** Adapters take their own keys out first; what is left over is misspelt. */
function schema(driver: DriverCapabilities): z.ZodType {
  return z.strictObject({
    maintenance: z
      .union([z.literal(false), z.strictObject({ everyMs: integer(10, 3_600_000).optional() })], {
        error: "must be false or { everyMs }, an integer from 10 to 3600000",
      })
      .optional(),
    onOrphan: functionSchema.optional(),
    orphanPolicy: z.enum(["fail", "release"], 'must be "fail" or "release"').optional(),
    maxAttempts: integer(1, 1_000).optional(),
    claimWithinMs: claimWithinMsSchema.optional(),
    leaseMs: leaseMsSchema.optional(),
    maxRunMs: maxRunMsSchema.nullable().optional(),
    graceMs: integer(1, LIMITS.waitMs).optional(),
    safetyPollMs: integer(10, 600_000).optional(),
    callTimeoutMs: integer(1, 3_600_000).optional(),
    defaultTtlMs: integer(MIN_TTL_MS, LIMITS.ttlMs).nullable().optional(),
    maxTtlMs: integer(MIN_TTL_MS, LIMITS.ttlMs).nullable().optional(),
    defaultPollIntervalMs: integer(1, LIMITS.dayMs).optional(),
    maxPayloadBytes: integer(1, driver.maxPayloadBytes).optional(),
    onError: functionSchema.optional(),
  });
}

/** Background work goes on whatever the caller's `onError` does, a rejected promise included. */
function harmless(onError: ((error: unknown) => unknown) | undefined): (error: unknown) => void {
  const tell = async (error: unknown): Promise<void> => {
    try {
      await onError?.(error);
    } catch {
      // Nobody is left to tell.
    }
  };
  return (error) => void tell(error);
}

/** @throws TaskStoreError INVALID_ARGUMENT naming the option and its limit */
export function resolveOptions(options: TaskStoreOptions, driver: DriverCapabilities): ResolvedOptions {
  check(schema(driver), options, "options");
  const defaults = TASK_STORE_DEFAULTS;
  const { maintenance, onOrphan } = options;
  const maintainEveryMs = maintenance === false ? 0 : (maintenance?.everyMs ?? defaults.maintenanceEveryMs);
  return {
    maintainEveryMs,
    onOrphan,
    orphanPolicy: options.orphanPolicy ?? (onOrphan === undefined ? "fail" : "release"),
    maxAttempts: options.maxAttempts ?? defaults.maxAttempts,
    claimWithinMs: options.claimWithinMs ?? defaults.claimWithinMs,
    leaseMs: options.leaseMs ?? defaults.leaseMs,
    maxRunMs: options.maxRunMs ?? null,
    // Less than three rounds of maintenance could let a dead worker's task vanish before anybody looked.
    graceMs: Math.max(options.graceMs ?? defaults.minGraceMs, 3 * maintainEveryMs),
    safetyPollMs:
      options.safetyPollMs ?? (driver.pushHints ? defaults.safetyPollMs : defaults.safetyPollWithoutHintsMs),
    callTimeoutMs: options.callTimeoutMs ?? defaults.callTimeoutMs,
    defaultTtlMs: options.defaultTtlMs === undefined ? defaults.defaultTtlMs : options.defaultTtlMs,
    maxTtlMs: options.maxTtlMs ?? null,
    defaultPollIntervalMs: options.defaultPollIntervalMs ?? defaults.defaultPollIntervalMs,
    maxPayloadBytes: options.maxPayloadBytes ?? Math.min(defaults.maxPayloadBytes, driver.maxPayloadBytes),
    onError: harmless(options.onError),
  };
}
