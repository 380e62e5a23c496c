import { isDeepStrictEqual } from "node:util";
import type { JsonObject, TaskOutcome } from "@mcp-task-store/core";
import { attempt } from "../attempt.ts";
import { type Expect, defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, refused, unchanged, which } from "../wants.ts";
import { type SlotReading, throughAllSlots } from "./payload-slots.ts";

/** Strict: prototypes, own keys and all; key order and the sign of 0 aside. */
function isSameJson(seen: unknown, sent: unknown): boolean {
  if (sent === 0) return seen === 0;
  if (Array.isArray(sent)) {
    return Array.isArray(seen) && seen.length === sent.length && sent.every((item, at) => isSameJson(seen[at], item));
  }
  if (typeof sent !== "object" || sent === null) return isDeepStrictEqual(seen, sent);
  if (typeof seen !== "object" || seen === null || Array.isArray(seen)) return false;
  const keys = Reflect.ownKeys(sent);
  return (
    Reflect.ownKeys(seen).length === keys.length &&
    keys.every((key) => Object.hasOwn(seen, key) && isSameJson(own(seen, key), own(sent, key)))
  );
}

/** The own value under a key: `__proto__` too. */
function own(value: object, key: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

function keptExactly(expect: Expect, readings: readonly SlotReading[], payload: JsonObject): void {
  for (const { slot, stored, read } of readings) {
    expect(`store a payload as ${slot}`, stored, fulfilled());
    const same = which<unknown>(`exactly ${JSON.stringify(payload)}`, (seen) => isSameJson(seen, payload));
    expect(`store a payload as ${slot}, read it in another process`, read, same);
  }
}

const LOSSLESS: JsonObject = {
  text: '\u00e9 e\u0301 \u{1f600} \u2028 \u2029 \ufeff \u007f \t " \\ / </script>',
  dates: ["2026-07-28T00:00:00.000Z", "2026-07-28", "/Date(0)/"],
  empty: { array: [], object: {}, text: "" },
  nulls: { here: null, list: [null, 1, null] },
  falsy: [false, 0, ""],
  deep: { a: [{ b: [[{ c: [true] }]] }] },
  numbersAsText: ["1", "1.0", "NaN", "null", "undefined"],
  order: { z: 1, a: 2, m: 3 },
};

export const lossless: Rule = defineRule({
  id: "payload/lossless",
  title: "JSON comes out as it went in, wherever it is kept",
  level: "must",
  source: ["S-40", "X-57"],
  mutants: ["unicode-nfc", "empty-array-object", "date-revived", "null-dropped", "falsy-dropped"],
  act: (kit) => throughAllSlots(kit, LOSSLESS),
  judge: (expect, readings) => keptExactly(expect, readings, LOSSLESS),
});

/** Own keys that backends and prototypes treat as something else; made by parsing, as they would arrive. */
const KEYS: JsonObject = JSON.parse(
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1,"":"empty","a.b":1,"a":{"b":2},"$where":"1","$set":{"x":1},"0":"zero","hasOwnProperty":false,"_id":7,"key with space":1}',
);

export const keys: Rule = defineRule({
  id: "payload/keys",
  title: "Keys are data, whatever they look like",
  level: "must",
  source: ["S-40", "P10"],
  mutants: ["proto-lost", "proto-pollutes", "key-escape-oneway", "key-path"],
  async act(kit) {
    const readings = await throughAllSlots(kit, KEYS);
    const { taskId } = await kit.task();
    const names = ["constructor", "a.b", "$where", "0", "toString"];
    const questions = Object.fromEntries(names.map((name) => [name, { method: "elicitation/create" }]));
    const asked = await attempt(() => kit.A.requestInputs(taskId, questions));
    const inputs = Object.keys((await kit.B.getTask(taskId))?.inputs ?? {});
    return { readings, names, asked, inputs, polluted: "polluted" in {} };
  },
  judge(expect, { readings, names, asked, inputs, polluted }) {
    keptExactly(expect, readings, KEYS);
    expect("ask under such keys", asked, fulfilled());
    expect("read the keys of the inputs", inputs.toSorted(), equalTo(names.toSorted()));
    expect("look for `polluted` on every object", polluted, equalTo(false));
  },
});

const NUMBERS: JsonObject = {
  list: [
    0.1 + 0.2,
    2 ** 40,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    1e21,
    5e-324,
    Number.MAX_VALUE,
    -0,
    123456789.12345679,
    1.7976931348623155e308,
  ],
};

export const numbers: Rule = defineRule({
  id: "payload/numbers",
  title: "Numbers keep their value to the last digit",
  level: "must",
  source: ["S-40", "X-57"],
  mutants: ["number-14-digits", "long-boxed"],
  act: (kit) => throughAllSlots(kit, NUMBERS),
  judge: (expect, readings) => keptExactly(expect, readings, NUMBERS),
});

const TEXTS: Readonly<Record<string, JsonObject>> = {
  "a lone high surrogate": { text: "a\ud800b" },
  "a lone low surrogate": { text: "a\udc00b" },
  "NUL in a value": { text: "a\u0000b" },
  "NUL in a key": { "a\u0000b": 1 },
  "a lone surrogate in a key": { "a\ud800b": 1 },
};

export const text: Rule = defineRule({
  id: "payload/text",
  title: "Text that backends cannot hold is kept exactly or refused, never altered",
  level: "promise",
  source: ["S-40", "P10"],
  mutants: ["surrogate-fffd", "nul-truncates"],
  act: (kit) =>
    Promise.all(
      Object.entries(TEXTS).map(async ([what, payload]) => ({
        what,
        payload,
        readings: await throughAllSlots(kit, payload),
      })),
    ),
  judge(expect, seen) {
    for (const { what, payload, readings } of seen) {
      for (const { slot, stored, read } of readings) {
        if (stored.kind === "rejected") expect(`store ${what} as ${slot}`, stored, refused("INVALID_ARGUMENT"));
        else
          expect(
            `store ${what} as ${slot}, read it`,
            read,
            which(JSON.stringify(payload), (value) => isSameJson(value, payload)),
          );
      }
    }
  },
});

function nested(depth: number): JsonObject {
  return JSON.parse(`{"deep":${"[".repeat(depth)}${"]".repeat(depth)}}`);
}

/** How deep an outcome is whose result is {@link nested}. Counted in a loop: such values overflow what calls itself. */
function depthOf(outcome: TaskOutcome | undefined): number {
  let value: unknown = outcome !== undefined && "result" in outcome ? outcome.result["deep"] : undefined;
  let depth = 0;
  for (; Array.isArray(value); value = value[0]) depth += 1;
  return depth;
}

/** An object whose JSON text has exactly so many UTF-8 bytes, mostly in characters of three. */
function sized(bytes: number): JsonObject {
  const room = bytes - Buffer.byteLength('{"t":""}');
  return { t: "\u20ac".repeat(Math.floor(room / 3)) + "x".repeat(room % 3) };
}

const MAX_BYTES = 20_000;

export const limits: Rule = defineRule({
  id: "payload/limits",
  title: "Depth and size have clear limits, and what breaks them stores nothing",
  level: "promise",
  source: ["P10"],
  mutants: ["deep-rangeerror", "deep-cut", "size-in-chars"],
  settings: () => ({ maxPayloadBytes: MAX_BYTES }),
  async act(kit) {
    const task = await kit.task();
    const deep = await attempt(() => kit.A.updateTask(task.taskId, { metadata: nested(100) }));
    const before = await kit.B.getTask(task.taskId);
    const tooDeep = await attempt(() => kit.A.finishTask(task.taskId, { status: "completed", result: nested(9_000) }));
    const afterDeep = await kit.B.getTask(task.taskId);
    const deepRead = await attempt(kit.B.getOutcome(task.taskId));
    const target = await kit.task();
    const tooLarge = await attempt(() =>
      kit.A.finishTask(target.taskId, { status: "completed", result: sized(MAX_BYTES + 1) }),
    );
    const untouched = await kit.B.getTask(target.taskId);
    const fits = await attempt(() => kit.A.updateTask(target.taskId, { metadata: sized(MAX_BYTES) }));
    const read = (await kit.B.getTask(target.taskId))?.metadata;
    return { deep, before, tooDeep, afterDeep, deepRead, target, tooLarge, untouched, fits, read };
  },
  judge(expect, { deep, before, tooDeep, afterDeep, deepRead, target, tooLarge, untouched, fits, read }) {
    expect("store a payload 100 levels deep", deep, fulfilled());
    if (tooDeep.kind === "rejected") {
      expect("store a payload 9,000 levels deep", tooDeep, refused("INVALID_ARGUMENT", "PAYLOAD_TOO_LARGE"));
      if (before !== undefined) expect("read the task then", afterDeep, unchanged(before));
    } else {
      const depth = deepRead.kind === "fulfilled" ? depthOf(deepRead.value) : deepRead;
      expect("store a payload 9,000 levels deep, read it: its depth", depth, equalTo(9_000));
    }
    expect(`store ${MAX_BYTES + 1} bytes where ${MAX_BYTES} fit`, tooLarge, refused("PAYLOAD_TOO_LARGE"));
    expect("read the task then", untouched, unchanged(target));
    expect(`store exactly ${MAX_BYTES} bytes, most of them in characters of three`, fits, fulfilled());
    expect("read them", read, equalTo(sized(MAX_BYTES)));
  },
});
