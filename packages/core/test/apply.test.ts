import { describe, expect, it } from "vitest";
import type { TaskRecord } from "../src/task-record.ts";
import type { Write } from "../src/task-driver.ts";
import { afterLook, apply, RING_SIZE, ringProves } from "../src/transitions.ts";
import { LAPSED, lease, LIVE, NOW, NOW_US, row } from "./transition-fixtures.ts";

describe("apply: what holds for every write", () => {
  const write: Write = { taskId: "t", writeId: "w", notAfterUs: NOW_US, alternatives: [{ when: {}, then: {} }] };

  it("sees nothing that is unknown, expired or another's", () => {
    expect(apply(undefined, write, NOW_US).kind).toBe("gone");
    expect(apply(row({ expiresAt: NOW }), write, NOW_US).kind).toBe("gone");
    expect(apply(row({ expiresAt: NOW + 1 }), write, NOW_US).kind).toBe("written");
    expect(apply(row(), { ...write, scope: "q" }, NOW_US).kind).toBe("gone");
    expect(apply(row(), { ...write, scope: null }, NOW_US).kind).toBe("gone");
    expect(apply(row({ scope: null }), { ...write, scope: null }, NOW_US).kind).toBe("written");
  });

  it("is applied once: a writeId in the ring is answered from it", () => {
    const first = apply(row(), write, NOW_US);
    if (first.kind !== "written") throw new Error("an unguarded write is applied");
    expect(apply(first.row, write, NOW_US + 5)).toEqual({ kind: "written", row: first.row, nowUs: NOW_US + 5 });
  });

  it("is not applied after notAfter", () => {
    expect(apply(row(), write, NOW_US + 1).kind).toBe("refused");
  });

  it("is not repeated when the ring can no longer tell whether it landed", () => {
    const ring = Array.from({ length: RING_SIZE }, (_, at) => ({ writeId: `o${at}`, revision: 100 + at }));
    expect(apply(row({ ring }), { ...write, sinceRevision: 99 }, NOW_US).kind).toBe("refused");
    expect(apply(row({ ring }), { ...write, sinceRevision: 100 }, NOW_US).kind).toBe("written");
    expect(apply(row({ ring }), write, NOW_US).kind).toBe("written");
    // A ring that never was full holds everything; a full one nothing for who saw none of it.
    expect(ringProves(row({ ring: ring.slice(1) }), { sinceRevision: 0 })).toBe(true);
    expect(ringProves(row({ ring }), { sinceRevision: 0 })).toBe(false);
    // A task that was made since is another one under the same id, whatever its revisions.
    expect(ringProves(row({ createId: "another" }), { createId: "this" })).toBe(false);
    expect(
      apply(row({ createId: "another" }), { ...write, createId: "this", sinceRevision: NOW_US }, NOW_US).kind,
    ).toBe("refused");
    expect(apply(row({ createId: "this" }), { ...write, createId: "this" }, NOW_US).kind).toBe("written");
    expect(ringProves(row({ createdAt: 1 }), { bornByUs: 999 })).toBe(false);
    expect(ringProves(row({ createdAt: 1 }), { bornByUs: 1000 })).toBe(true);
  });

  it("revision grows by at least one and follows the clock; lastUpdatedAt never falls", () => {
    const ahead = row({ revision: NOW_US + 10, lastUpdatedAt: NOW + 10 });
    expect(apply(ahead, write, NOW_US)).toMatchObject({ row: { revision: NOW_US + 11, lastUpdatedAt: NOW + 10 } });
    expect(apply(row(), write, NOW_US)).toMatchObject({ row: { revision: NOW_US, lastUpdatedAt: NOW } });
  });

  it("remembers the last writes only", () => {
    let current = row();
    for (let n = 0; n < RING_SIZE + 2; n += 1) {
      const next = apply(current, { ...write, writeId: `w${n}` }, NOW_US);
      if (next.kind === "written") current = next.row;
    }
    expect(current.ring.map((entry) => entry.writeId)).toEqual(["w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9"]);
  });
});

describe("afterLook", () => {
  it.each([
    ["expired", { expiresAt: NOW }, { kind: "purge" }],
    ["a lapsed lease", { lease: LAPSED }, { kind: "work", dueAt: NOW + 50 }],
    ["an over claim", { claimBy: NOW }, { kind: "work", dueAt: NOW + 50 }],
    ["an over run", { lease: lease(NOW + 70), runUntil: NOW }, { kind: "work", dueAt: NOW + 50 }],
    ["an over run whose lease ends soon", { lease: LIVE, runUntil: NOW }, { kind: "work", dueAt: NOW + 1 }],
    ["nothing yet", { lease: lease(NOW + 70), claimBy: null }, { kind: "later", dueAt: NOW + 70 }],
    ["nothing ever", { expiresAt: null, claimBy: null }, { kind: "later", dueAt: null }],
  ] satisfies [string, Partial<TaskRecord>, unknown][])("%s", (_, changes, look) => {
    expect(afterLook(row(changes), NOW_US, 50)).toEqual(look);
  });
});
