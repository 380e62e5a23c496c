import { describe, expect, it } from "vitest";
import type { Command, Fence } from "../src/commands.ts";
import { isTerminal, type TaskStatus } from "../src/task.ts";
import type { TaskRecord } from "../src/task-record.ts";
import { apply, plan } from "../src/transitions.ts";
import {
  acquire,
  answer,
  ask,
  error,
  EVERY,
  finish,
  LAPSED,
  lease,
  LIVE,
  NOW,
  NOW_US,
  recover,
  release,
  renew,
  report,
  result,
  row,
  run,
  STATUSES,
} from "./transition-fixtures.ts";

describe("transitions: where a task may go (S-23, S-24)", () => {
  it.each(STATUSES.filter(isTerminal))("%s refuses every command and stays as it is", (status) => {
    const ended = row({ status, inputs: '{"k":{"request":{"method":"m"}}}', inputsId: "i" });
    for (const command of [...EVERY, { type: "request-cancel" } as const]) {
      expect(run(command, ended), command.type).toEqual({ row: ended, refusal: "terminal" });
    }
    expect(run(recover(), ended).row).toBe(ended);
  });

  it.each([
    ["working", finish(), "completed"],
    ["working", finish(error), "failed"],
    ["working", { type: "cancel" }, "cancelled"],
    ["working", { type: "request-cancel" }, "cancelled"],
    ["working", ask(), "input_required"],
    ["working", report, "working"],
    ["input_required", finish(), "completed"],
    ["input_required", finish(error), "failed"],
    ["input_required", { type: "cancel" }, "cancelled"],
    ["input_required", report, "input_required"],
  ] satisfies [TaskStatus, Command, TaskStatus][])("%s, %j, becomes %s", (from, command, to) => {
    expect(run(command, row({ status: from })).row.status).toBe(to);
  });

  it("begins as working, claimable, with its ttl from now (S-22, S-10)", () => {
    const at = NOW - 1_000;
    expect(row()).toMatchObject({ status: "working", expiresAt: at + 60_000, claimBy: at + 5_000, dueAt: at + 5_000 });
  });
});

describe("transitions: the outcome", () => {
  it.each([
    ["2025-11-25", "failed"],
    ["2026-07-28", "completed"],
    [null, "completed"],
  ] as const)("an isError result in generation %s is %s (S-66, X-56)", (generation, status) => {
    const ended = run(finish(result(true)), row({ generation })).row;
    expect(ended).toMatchObject({ status, outcome: '{"result":{"isError":true}}' });
    expect(ended.statusMessage !== null).toBe(status === "failed");
  });

  it("failed with a plain result exists in 2025-11-25 only (X-10)", () => {
    const odd = finish({ ...result(), status: "failed" });
    expect(run(odd, row({ generation: "2025-11-25" })).row.status).toBe("failed");
    expect(run(odd, row({ generation: "2026-07-28" })).refusal).toBe("failed-with-result");
  });

  it("a terminal state clears lease, claim and run, and restarts the ttl", () => {
    const ended = run(finish(result(), { token: 7 }), row({ lease: LIVE, runUntil: NOW + 9, expiresAt: NOW + 2 })).row;
    expect(ended).toMatchObject({ lease: null, claimBy: null, runUntil: null, expiresAt: NOW + 60_000 });
  });

  it("a message given before stays unless the end brings one (S-65)", () => {
    const told = row({ statusMessage: "half" });
    expect(run(finish(), told).row.statusMessage).toBe("half");
    expect(run(finish(error), told).row.statusMessage).toBe("m");
    expect(run({ type: "cancel", statusMessage: "" }, told).row.statusMessage).toBe("");
  });
});

describe("transitions: leases", () => {
  it.each([
    ["no lease", null, "unleased", undefined],
    ["a live lease", LIVE, "unleased", "lease-lost"],
    ["a lapsed lease", LAPSED, "unleased", undefined],
    ["a live lease", LIVE, { token: 7 }, undefined],
    ["a live lease", LIVE, { token: 8 }, "lease-lost"],
    ["a lapsed lease", LAPSED, { token: 7 }, "lease-lost"],
    ["no lease", null, { token: 7 }, "lease-lost"],
    ["a live lease", LIVE, "force", undefined],
  ] satisfies [string, TaskRecord["lease"], Fence, string | undefined][])(
    "with %s (%j), fence %j: %s",
    (_, held, fence, refusal) => {
      for (const command of [
        finish(result(), fence),
        ask("k", "{}", fence),
        { type: "report", fence, change: {} } as const,
      ]) {
        expect(run(command, row({ lease: held })).refusal).toBe(refusal);
      }
    },
  );

  it("is taken by one, with a token that is the new revision and an expiry that outlives it", () => {
    const taken = run(acquire, row({ expiresAt: NOW + 10 })).row;
    expect(taken.lease).toEqual({ token: taken.revision, holder: "h", expiresAt: NOW + 100 });
    expect(taken).toMatchObject({
      attempts: 1,
      claimBy: null,
      expiresAt: NOW + 150,
      runUntil: NOW + 900,
      dueAt: NOW + 100,
    });
    expect(run(acquire, taken, "w2").refusal).toBe("held");
    expect(run(acquire, row({ lease: LAPSED, attempts: 2 })).row.attempts).toBe(3);
    expect(run(acquire, row({ lease: LAPSED, attempts: 3 })).refusal).toBe("attempts-exhausted");
  });

  it("a heartbeat is quiet, prolongs and never shortens", () => {
    const held = row({ lease: LIVE, expiresAt: NOW + 10, dueAt: NOW + 1 });
    const renewed = run(renew, held).row;
    expect(renewed).toMatchObject({
      revision: held.revision,
      ring: held.ring,
      lastUpdatedAt: held.lastUpdatedAt,
      dueAt: held.dueAt,
    });
    expect(renewed).toMatchObject({ lease: { expiresAt: NOW + 100 }, expiresAt: NOW + 150 });
    const long = row({ lease: lease(NOW + 9_000), expiresAt: NOW + 90_000 });
    expect(run(renew, long).row).toMatchObject({ lease: { expiresAt: NOW + 9_000 }, expiresAt: NOW + 90_000 });
    expect(run(renew, row({ lease: LAPSED })).refusal).toBe("lease-lost");
  });

  it("released: free, attempt given back, ttl again; a question stays open", () => {
    const held = row({ lease: LIVE, attempts: 2, claimBy: null, runUntil: NOW + 5 });
    expect(run(release, held).row).toMatchObject({
      lease: null,
      attempts: 1,
      claimBy: NOW + 5_000,
      runUntil: null,
      expiresAt: NOW + 60_000,
    });
    expect(run(release, { ...held, status: "input_required" }).row).toMatchObject({
      status: "input_required",
      claimBy: null,
    });
    expect(run(release, { ...held, cancelRequestedAt: 1 }).row.status).toBe("cancelled");
  });

  it("a change of ttl never takes a leased task away", () => {
    const shorten: Command = { type: "report", fence: { token: 7 }, change: { ttlMs: 1 } };
    expect(run(shorten, row({ lease: LIVE, expiresAt: NOW + 500 })).row).toMatchObject({
      ttlMs: 1_001,
      expiresAt: NOW + 500,
    });
    expect(run({ ...shorten, fence: "unleased" }, row()).row.expiresAt).toBe(NOW + 1);
    // Without a limit there was no grace to keep: it begins when the lease is over.
    expect(run(shorten, row({ lease: LIVE, ttlMs: null, expiresAt: null })).row).toMatchObject({
      ttlMs: 1_001,
      expiresAt: null,
    });
  });
});

describe("transitions: cancellation", () => {
  it("asked for: an intent while somebody works, kept at its first instant", () => {
    const held = row({ lease: LIVE });
    const asked = run({ type: "request-cancel" }, held).row;
    expect(asked).toMatchObject({ status: "working", cancelRequestedAt: NOW });
    expect(run({ type: "request-cancel" }, { ...asked, cancelRequestedAt: 5, ring: [] }).row.cancelRequestedAt).toBe(5);
    expect(run(finish(result(), { token: 7 }), asked, "w2").row.status).toBe("completed");
  });

  it("asked for and nobody works any more: cancelled, not handed out again", () => {
    const orphan = row({ lease: LAPSED, cancelRequestedAt: 5 });
    expect(run(acquire, orphan).row.status).toBe("cancelled");
    expect(run(recover("release"), orphan).row.status).toBe("cancelled");
    expect(run(recover("fail"), orphan).row.status).toBe("cancelled");
  });
});

describe("transitions: orphans", () => {
  it("a lapsed lease fails the task, or frees it while attempts are left", () => {
    const lost = row({ lease: LAPSED, attempts: 2, claimBy: null });
    expect(run(recover("fail"), lost).row).toMatchObject({ status: "failed", lease: null });
    expect(run(recover("release"), lost).row).toMatchObject({
      status: "working",
      lease: null,
      attempts: 2,
      claimBy: NOW + 5_000,
    });
    expect(run(recover("release"), { ...lost, attempts: 3 }).row.status).toBe("failed");
    expect(run(recover("release"), { ...lost, status: "input_required" }).row).toMatchObject({
      status: "input_required",
      claimBy: null,
    });
  });

  it("a run over its time fails although its lease lives", () => {
    expect(run(recover("release"), row({ lease: LIVE, runUntil: NOW })).row.status).toBe("failed");
    expect(run(recover("release"), row({ lease: LIVE, runUntil: NOW + 1 })).row.status).toBe("working");
  });

  it("an unclaimed task is announced again and never failed for it", () => {
    const idle = row({ claimBy: NOW });
    expect(run(recover("fail"), idle).row).toEqual({ ...idle, claimBy: NOW + 5_000 });
    expect(run(recover("fail"), row({ claimBy: NOW + 1 })).row.claimBy).toBe(NOW + 1);
  });

  it("a failed hand-over moves the claim of a task that nobody holds, and nothing else", () => {
    const again = { type: "reannounce", claimWithinMs: 7_000 } as const;
    const idle = row({ claimBy: NOW + 300_000 });
    expect(run(again, idle).row).toEqual({ ...idle, claimBy: NOW + 7_000 });
    for (const other of [row({ lease: LIVE }), row({ status: "input_required" })]) {
      expect(run(again, other)).toMatchObject({ row: other, refusal: "not-due" });
    }
  });

  it("recovery re-checks: a lease renewed or taken meanwhile is left alone", () => {
    const seen = row({ lease: LAPSED });
    const planned = plan({ type: "recover", orphanPolicy: "fail", maxAttempts: 3, claimWithinMs: 1 }, seen, NOW_US);
    if (planned.kind !== "write") throw new Error("a lapsed lease is recovered by a write");
    const write = { taskId: "t", writeId: "w", notAfterUs: NOW_US, alternatives: planned.alternatives };
    expect(apply({ ...seen, lease: LIVE }, write, NOW_US).kind).toBe("refused");
    expect(apply({ ...seen, lease: lease(NOW, 8) }, write, NOW_US).kind).toBe("refused");
  });
});

describe("transitions: inputs", () => {
  const asked = (): TaskRecord => {
    const one = run(ask("k1"), row()).row;
    return run(ask("k2"), one, "w2").row;
  };

  it("gathers questions; the last answer resumes and starts the claim (X-18, X-35, S-28)", () => {
    const both = asked();
    expect(Object.keys(JSON.parse(both.inputs ?? ""))).toEqual(["k1", "k2"]);
    const half = run(answer("k1"), both, "w3").row;
    expect(half).toMatchObject({ status: "input_required", claimBy: null });
    expect(run(answer("k2"), half, "w4").row).toMatchObject({ status: "working", claimBy: NOW + 5_000 });
    expect(run(answer("k2"), { ...half, lease: LIVE }, "w4").row).toMatchObject({ status: "working", claimBy: null });
  });

  it("ignores unknown and answered keys (X-34)", () => {
    const half = run(answer("k1"), asked(), "w3").row;
    expect(run(answer("k1", "stranger"), half, "w4").row).toBe(half);
  });

  it("a key is one request for life (X-28, X-29), whatever the order of its members", () => {
    const once = run(ask("k", '{"method":"m","params":{"a":1,"b":2}}'), row()).row;
    expect(run(ask("k", '{"params":{"b":2,"a":1},"method":"m"}'), once, "w2").row).toBe(once);
    expect(run(ask("k", '{"method":"m","params":{"a":2,"b":2}}'), once, "w2").refusal).toBe("input-key-reused");
  });

  it("keeps keys that are names of Object.prototype", () => {
    const odd = run(ask("__proto__"), row()).row;
    expect(odd.inputs).toBe('{"__proto__":{"request":{"method":"m"}}}');
    expect(run(answer("__proto__"), odd, "w2").row.status).toBe("working");
  });

  it("a write planned from older inputs is refused", () => {
    const before = row();
    const planned = plan({ type: "ask", fence: "unleased", inputs: new Map([["k", "{}"]]) }, before, NOW_US);
    if (planned.kind !== "write") throw new Error("an ask is a write");
    const write = { taskId: "t", writeId: "w", notAfterUs: NOW_US, alternatives: planned.alternatives };
    expect(apply({ ...before, inputsId: "other" }, write, NOW_US).kind).toBe("refused");
  });
});
