/**
 * A task as it is stored: one hash. Texts are fields of their own, exactly as they were given. Numbers stand together in
 * one field, `state`, in binary: packing and unpacking them costs a script a twentieth of what texts of them would.
 *
 * Scripts change a task by one HSET. Before it stand at most entries in indexes, which are bounds and not believed, and
 * the server's own expiry, far behind the logical one: whatever fails before has changed nothing that anybody is told.
 * What stands behind it only tidies up, and is let fail (`pcall`): the error would say that nothing was written.
 */

/** Fields that every answer carries, in this order. `request` and `outcome` are read only where they were asked for. */
export const ROW_FIELDS = [
  "status",
  "state",
  "scope",
  "create",
  "generation",
  "ring",
  "inputsId",
  "holder",
  "message",
  "inputs",
  "metadata",
] as const;

/**
 * The numbers of `state`, each a little-endian double; -1 is null. Instants are epoch ms, `revision` and `token` epoch
 * µs, `ttl` and `poll` ms. `token` decides whether `lease_end` and the field `holder` count.
 */
export const STATE_NUMBERS = [
  "revision",
  "created",
  "updated",
  "ttl",
  "poll",
  "expires",
  "claim",
  "run",
  "attempts",
  "cancel",
  "token",
  "lease_end",
  "due",
] as const;

/** Behind the numbers, each a byte. `has_…` is 0 where that text is null, whatever is left in its field. */
export const STATE_BYTES = [
  "has_inputs_id",
  "has_message",
  "has_inputs",
  "has_metadata",
  "has_outcome",
  /** How many lines the field `ring` has. */
  "ring_size",
] as const;

const NULLABLE = ["ttl", "expires", "claim", "run", "cancel", "token", "lease_end", "due"] as const;
const FORMAT = `'<${"d".repeat(STATE_NUMBERS.length)}${"B".repeat(STATE_BYTES.length)}'`;

/** Lua arguments that name the fields of a row. */
export const ROW_FIELD_ARGUMENTS: string = ROW_FIELDS.map((field) => `'${field}'`).join(", ");

/** Declares a local variable for each part of a state; null is false. */
export const unpackState = (source: string): string => `\
local ${[...STATE_NUMBERS, ...STATE_BYTES].join(", ")} = struct.unpack(${FORMAT}, ${source})
${NULLABLE.join(", ")} = ${NULLABLE.map((name) => `${name} >= 0 and ${name}`).join(", ")}
`;

/** The state that these variables make. */
export const PACKED_STATE: string = `struct.pack(${FORMAT}, ${[...STATE_NUMBERS, ...STATE_BYTES]
  .map((name) => (NULLABLE.some((nullable) => nullable === name) ? `${name} or -1` : name))
  .join(", ")})`;

/**
 * The server's clock, read once: everything in a script happens at this instant. `now_us` is epoch µs, `now` epoch ms.
 */
export const CLOCK: string = `\
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** The server deletes what maintenance did not, this long after it expired. ms */
const NATIVE_GRACE_MS = 3_600_000;

/** How a command is run: one whose error ends the script, or one that is let fail. */
export type LuaCall = "call" | "pcall";

/** Gives keys of a task the server's own expiry, or none. Needs a variable `expires`. */
export const setExpiry = (call: LuaCall, ...keys: readonly string[]): string => `\
if expires then
${keys.map((key) => `  redis.${call}('PEXPIREAT', ${key}, expires + ${NATIVE_GRACE_MS})\n`).join("")}\
else
${keys.map((key) => `  redis.${call}('PERSIST', ${key})\n`).join("")}\
end
`;
