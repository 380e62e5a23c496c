import { z } from "zod";
import type { FromTarget } from "./messages.ts";

const tally = z.object({ failed: z.number(), of: z.number() });

const failure = z.object({
  did: z.string(),
  seen: z.string(),
  wanted: z.string(),
  calls: z.array(z.string()),
  by: z.enum(["judge", "call"]),
});

const report = z.looseObject({
  id: z.string(),
  title: z.string(),
  level: z.enum(["must", "should", "promise"]),
  outcome: z.enum(["pass", "fail", "not-applicable", "could-not-run"]),
  counts: z.boolean(),
  preview: z.boolean(),
  source: z.array(z.string()),
  durationMs: z.number(),
  reason: z.string().optional(),
  failure: failure.optional(),
});

const timing = z.object({
  unitMs: z.number(),
  deadlineMs: z.number(),
  callMs: z.object({ p50: z.number(), p99: z.number() }),
  inProcess: z.boolean(),
});

const message = z.discriminatedUnion("type", [
  z.object({ type: z.literal("alive") }),
  z.object({ type: z.literal("loaded"), facts: z.looseObject({ name: z.string() }) }),
  z.object({ type: z.literal("no-target"), problem: z.string() }),
  z.object({ type: z.literal("not-loaded"), reason: z.string() }),
  z.object({ type: z.literal("calibrated"), timing }),
  z.object({ type: z.literal("started"), id: z.string() }),
  z.object({ type: z.literal("ended"), report }),
  z.object({ type: z.literal("replayed"), id: z.string(), replays: tally }),
  z.object({ type: z.literal("noted"), note: z.string() }),
  z.object({ type: z.literal("done") }),
  z.object({ type: z.literal("dying"), reason: z.string() }),
]);

/** Whether the kit's side of the process said it: a target may send what it likes by the same way. */
export function isFromTarget(heard: unknown): heard is FromTarget {
  return message.safeParse(heard).success;
}
