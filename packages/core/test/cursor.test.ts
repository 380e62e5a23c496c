import { describe, expect, it } from "vitest";
import { decodeCursor, encodeCursor, idempotentTaskId } from "../src/cursor.ts";

const POSITION = { createdAt: 1_800_000_000_000, taskId: "té\u{1F600}" };
const refused = expect.objectContaining({ code: "INVALID_CURSOR" });

describe("cursors", () => {
  it("come back as the position they were made from", async () => {
    for (const scope of [undefined, null, "p"]) {
      expect(await decodeCursor(await encodeCursor(POSITION, "s", scope), "s", scope)).toEqual(POSITION);
    }
  });

  it("are good for their own store and scope only", async () => {
    const cursor = await encodeCursor(POSITION, "s", "p");
    for (const [store, scope] of [
      ["s", "q"],
      ["s", null],
      ["s", undefined],
      ["other", "p"],
    ] as const) {
      await expect(decodeCursor(cursor, store, scope)).rejects.toEqual(refused);
    }
  });

  it.each(["", ".", "garbage", "a.b.c", "x".repeat(10_000), "😀.😀"])("%s is refused", async (cursor) => {
    await expect(decodeCursor(cursor, "s", "p")).rejects.toEqual(refused);
  });

  it("are refused when cut or with any character changed", async () => {
    const cursor = await encodeCursor(POSITION, "s", "p");
    for (let at = 0; at < cursor.length; at += 1) {
      const other = cursor[at] === "A" ? "B" : "A";
      await expect(decodeCursor(cursor.slice(0, at), "s", "p")).rejects.toEqual(refused);
      await expect(decodeCursor(cursor.slice(0, at) + other + cursor.slice(at + 1), "s", "p")).rejects.toEqual(refused);
    }
  });
});

describe("idempotency keys", () => {
  it("give one id per principal and key, however the two are cut", async () => {
    const ids = await Promise.all(
      [
        ["a", "b:c"],
        ["a:b", "c"],
        ["a", "b"],
        ["A", "b"],
      ].map(([p = "", k = ""]) => idempotentTaskId(p, k)),
    );
    expect(new Set(ids).size).toBe(4);
    expect(await idempotentTaskId("a", "b")).toBe(ids[2]);
  });
});
