import type { Command, Fence } from "../src/commands.ts";
import type { TaskStatus } from "../src/task.ts";
import type { TaskRecord } from "../src/task-record.ts";
import type { Write } from "../src/task-driver.ts";
import { apply, born, explain, plan } from "../src/transitions.ts";

export const NOW_US = 1_800_000_000_000_000;
export const NOW: number = NOW_US / 1000;
export const STATUSES: readonly TaskStatus[] = ["working", "input_required", "completed", "failed", "cancelled"];

export function row(changes: Partial<TaskRecord> = {}): TaskRecord {
  const fresh = born(
    {
      taskId: "t",
      createId: "c",
      scope: "p",
      generation: null,
      statusMessage: null,
      ttlMs: 60_000,
      pollIntervalMs: 500,
      claimInMs: 5_000,
      metadata: null,
      request: null,
      notAfterUs: NOW_US,
    },
    NOW_US - 1_000_000,
  );
  return { ...fresh, ...changes };
}

export const lease = (expiresAt: number, token = 7): TaskRecord["lease"] => ({ token, holder: "h", expiresAt });
export const LIVE: TaskRecord["lease"] = lease(NOW + 1);
export const LAPSED: TaskRecord["lease"] = lease(NOW);

/** Runs a command as the engine does, without a backend. */
export function run(command: Command, on: TaskRecord, writeId = "w"): { row: TaskRecord; refusal: string | undefined } {
  const informed = command.type === "ask" || command.type === "answer" || command.type === "recover";
  const planned = informed ? plan(command, on, NOW_US) : plan(command);
  if (planned.kind === "refused") return { row: on, refusal: planned.refusal };
  if (planned.kind === "nothing") return { row: on, refusal: undefined };
  const write: Write = {
    taskId: "t",
    writeId,
    notAfterUs: NOW_US,
    alternatives: planned.alternatives,
    ...(planned.quiet === true ? { quiet: true } : {}),
  };
  const answer = apply(on, write, NOW_US);
  if (answer.kind === "gone") return { row: on, refusal: "gone" };
  return {
    row: answer.row,
    refusal: answer.kind === "refused" ? (explain(command, answer.row, NOW_US) ?? "?") : undefined,
  };
}

export const result = (isError = false): Extract<Command, { type: "finish" }>["outcome"] => ({
  status: "completed",
  text: `{"result":{"isError":${isError}}}`,
  isError,
  kind: "result",
});
export const error: Extract<Command, { type: "finish" }>["outcome"] = {
  status: "failed",
  text: '{"error":{"code":1,"message":"m"}}',
  isError: false,
  kind: "error",
  message: "m",
};
export const finish = (
  outcome: Extract<Command, { type: "finish" }>["outcome"] = result(),
  fence: Fence = "unleased",
): Command => ({ type: "finish", fence, outcome });
export const ask = (key = "k", text = '{"method":"m"}', fence: Fence = "unleased"): Command => ({
  type: "ask",
  fence,
  inputs: new Map([[key, text]]),
});
export const answer = (...keys: string[]): Command => ({
  type: "answer",
  answers: new Map(keys.map((key) => [key, '{"a":1}'])),
  claimWithinMs: 5_000,
});
export const acquire: Command = {
  type: "acquire",
  holder: "h",
  leaseMs: 100,
  graceMs: 50,
  maxRunMs: 900,
  maxAttempts: 3,
};
export const release: Command = { type: "release", token: 7, claimWithinMs: 5_000 };
export const renew: Command = { type: "renew", token: 7, leaseMs: 100, graceMs: 50 };
export const recover = (orphanPolicy: "fail" | "release" = "fail"): Command => ({
  type: "recover",
  orphanPolicy,
  maxAttempts: 3,
  claimWithinMs: 5_000,
});
export const report: Command = { type: "report", fence: "unleased", change: { statusMessage: "x" } };
export const EVERY: readonly Command[] = [
  report,
  finish(),
  finish(error),
  { type: "cancel" },
  ask(),
  answer("k"),
  acquire,
  release,
  renew,
];
