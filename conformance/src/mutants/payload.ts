import { TaskStoreError } from "@mcp-task-store/core";
import { defineMutant, type Mutant } from "./mutant.ts";
import { mapPayloads } from "./over-store.ts";
import { DEPTH, type Edit, editedObject, isPlainObject } from "./payload-edits.ts";

/** A mutant that alters payloads on their way in. Cycles and the like go through untouched. */
function altering(name: string, fault: string, killedBy: string, edit: Edit): Mutant {
  return defineMutant({
    name,
    fault,
    killedBy: [killedBy],
    mayAlso: ["payload", "finish/errors"],
    store: (store, { fired }) =>
      mapPayloads(store, (payload) => {
        if (!isPlainObject(payload)) return payload;
        try {
          const before = JSON.stringify(payload);
          const after = editedObject(payload, edit, DEPTH);
          if (JSON.stringify(after) === before) return payload;
          fired();
          return after;
        } catch {
          return payload;
        }
      }),
  });
}

function onText(change: (text: string) => string): Edit {
  return {
    value: (value) => (typeof value === "string" ? change(value) : value),
    entries: (entries) => entries.map(([key, value]) => [change(key), value]),
  };
}

function onNumber(change: (number: number) => unknown): Edit {
  return { value: (value) => (typeof value === "number" ? change(value) : value) };
}

function dropping(drops: (value: unknown, key: string) => boolean): Edit {
  return { entries: (entries) => entries.filter(([key, value]) => !drops(value, key)) };
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function depthOf(value: unknown, limit: number): number {
  let depth = 0;
  for (let layer: readonly unknown[] = [value]; layer.length > 0 && depth <= limit; depth += 1) {
    layer = layer.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
  return depth;
}

export const payload: readonly Mutant[] = [
  altering(
    "unicode-nfc",
    "Text is normalised.",
    "payload/lossless",
    onText((text) => text.normalize("NFC")),
  ),
  altering("empty-array-object", "An empty array comes out as an object.", "payload/lossless", {
    value: (value) => (Array.isArray(value) && value.length === 0 ? {} : value),
  }),
  altering("date-revived", "Text that looks like a date comes out in another form.", "payload/lossless", {
    value: (value) => (typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00.000Z` : value),
  }),
  altering(
    "null-dropped",
    "Members that are null are dropped.",
    "payload/lossless",
    dropping((value) => value === null),
  ),
  altering(
    "falsy-dropped",
    "Members that are false, 0 or empty are dropped.",
    "payload/lossless",
    dropping((value) => value === false || value === 0 || value === ""),
  ),
  altering(
    "proto-lost",
    "A key called __proto__ is lost.",
    "payload/keys",
    dropping((_value, key) => key === "__proto__"),
  ),
  defineMutant({
    name: "proto-pollutes",
    fault: "A payload is merged into another object, key by key.",
    killedBy: ["payload/keys"],
    alone: true,
    store: (store, { fired }) =>
      mapPayloads(store, (payload) => {
        if (!Object.hasOwn(payload, "__proto__")) return payload;
        fired();
        // Not enumerable, as a merge would make it: it is to disturb this one rule only.
        Reflect.defineProperty(Object.prototype, "polluted", { value: true, configurable: true });
        return payload;
      }),
    dispose: () => void Reflect.deleteProperty(Object.prototype, "polluted"),
  }),
  altering("key-escape-oneway", "A $ in a key is escaped on the way in only.", "payload/keys", {
    entries: (entries) => entries.map(([key, value]) => [key.replaceAll("$", "%24"), value]),
  }),
  altering("key-path", "A dot in a key makes a path of it.", "payload/keys", {
    entries: (entries) =>
      entries.map(([key, value]) =>
        key.includes(".")
          ? [key.slice(0, key.indexOf(".")), { [key.slice(key.indexOf(".") + 1)]: value }]
          : [key, value],
      ),
  }),
  altering(
    "number-14-digits",
    "Numbers keep 14 digits.",
    "payload/numbers",
    onNumber((number) => Number(number.toPrecision(14))),
  ),
  altering(
    "long-boxed",
    "Large integers come out as objects.",
    "payload/numbers",
    onNumber((number) => (Number.isSafeInteger(number) && Math.abs(number) > 2 ** 31 ? { low: number } : number)),
  ),
  altering(
    "surrogate-fffd",
    "Lone surrogates become U+FFFD.",
    "payload/text",
    onText((text) => text.replaceAll(LONE_SURROGATE, "\ufffd")),
  ),
  altering(
    "nul-truncates",
    "Text ends at NUL.",
    "payload/text",
    onText((text) => text.split("\u0000")[0] ?? text),
  ),
  defineMutant({
    name: "deep-rangeerror",
    fault: "A deep payload crashes the call.",
    killedBy: ["payload/limits"],
    store: (store, { fired }) =>
      mapPayloads(store, (value) => {
        if (depthOf(value, 1_000) <= 1_000 || JSON.stringify(Object.keys(value)) !== '["deep"]') return value;
        fired();
        throw new RangeError("Maximum call stack size exceeded");
      }),
  }),
  defineMutant({
    name: "deep-cut",
    fault: "What lies deep in a payload is left out.",
    killedBy: ["payload/limits"],
    store: (store, { fired }) =>
      mapPayloads(store, (value) => {
        if (!Object.hasOwn(value, "deep") || depthOf(value, 1_000) <= 1_000) return value;
        fired();
        return { deep: [[]] };
      }),
  }),
  defineMutant({
    name: "size-in-chars",
    fault: "Sizes are counted in characters.",
    killedBy: ["payload/limits"],
    settings: (settings) =>
      settings.maxPayloadBytes === undefined
        ? settings
        : { ...settings, maxPayloadBytes: settings.maxPayloadBytes * 3 },
    store: (store, { fired }) =>
      mapPayloads(store, (value) => {
        const { maxPayloadBytes } = store.capabilities;
        const text = typeof value["t"] === "string" ? JSON.stringify(value) : "";
        if (maxPayloadBytes > 60_000 || text === "") return value;
        if (Buffer.byteLength(text) * 3 > maxPayloadBytes) fired();
        if (text.length * 3 <= maxPayloadBytes) return value;
        throw new TaskStoreError("PAYLOAD_TOO_LARGE", "Too long.", { argument: "payload" });
      }),
  }),
];
